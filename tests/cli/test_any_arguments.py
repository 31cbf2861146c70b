"""Whatever is typed, a command ends with a documented code and a line, never with a traceback."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrwatch.cli import main
from lrwatch.records import Alert
from lrwatch.sinks.ledger import Ledger

CODES = {0, 1, 2, 3, 10, 20}
OPTIONS = {
    "tail": ["-n", "--since", "--level", "--json", "--color", "--exit-code", "--loss"],
    "scan": ["--json", "--csv", "-j", "--loss", "--grad-norm", "--lr", "--step"],
    "check": ["--fail-on", "--format", "--step-summary", "--loss", "--lr"],
    "tags": ["--rules", "--loss", "--step"],
    "report": ["-o", "--title", "--loss"],
    "disarm": ["--loss"],
}
# No word of its own begins with a dash: it might ask to follow a file for ever.
WORDS = st.text(st.characters(exclude_categories=()), max_size=12).filter(
    lambda text: not text.startswith("-")
)
GOOD = ["run", "log.csv", "loss", "warning", "critical", "json", "github", "never", "1h", "0", "1"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run and a log in it."""
    alert = Alert(kind="stall", severity="warning", step=1, onset=0, message="flat")
    Ledger(tmp_path / "run" / "lrwatch" / "alerts.jsonl").write(alert)
    (tmp_path / "log.csv").write_text("step,loss,lr\n" + "".join(f"{i},1,0.1\n" for i in range(9)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", OPTIONS)
def test_any_arguments_end_with_a_code_and_a_line(command: str, folder: Path) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.sampled_from([*OPTIONS[command], *GOOD]) | WORDS, max_size=5))
    def check(arguments: list[str]) -> None:
        os.chdir(folder)
        result = CliRunner().invoke(main, [command, *arguments])
        assert isinstance(result.exception, SystemExit | None), repr(result.exception)
        assert result.exit_code in CODES
        assert "Traceback" not in result.stderr
        assert result.stderr.replace("\n", "").isprintable()

    check()
