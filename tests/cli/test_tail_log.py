"""tail takes a run that lrwatch was never attached to, and judges its log as that grows."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from torch.utils.tensorboard import SummaryWriter

from lrwatch.cli import main
from lrwatch.records import Alert
from lrwatch.sinks.ledger import Ledger
from tests.cli.followed import following, line_of

ROOT = Path(__file__).parents[2]
HEALTHY = [1 / (1 + i) for i in range(100)]
ALERT = Alert(kind="stall", severity="warning", step=7, onset=0, message="flat")


def tail(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["tail", *map(str, arguments)])


def table(losses: list[float], first: int = 0) -> str:
    return "".join(f"{i},{loss}\n" for i, loss in enumerate(losses, first))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "run.csv"
    path.write_text("step,loss\n" + table([*HEALTHY, math.nan]))
    return path


def test_alerts_of_a_log_are_shown_like_those_of_a_run(log: Path) -> None:
    result = tail(log)
    assert result.exit_code == 0
    assert result.stdout.startswith("-                     WARN  non_finite          step=100  ")
    assert result.stdout.count("\n") == 1
    assert (
        result.stderr == f"lrwatch tail: {log}: undecided (csv, 101 steps), judged from its log\n"
    )
    assert tail("--exit-code", log).exit_code == 10


def test_json_is_of_the_same_form_and_says_where_no_time_is_known(log: Path) -> None:
    (found,) = map(json.loads, tail("--json", log).stdout.splitlines())
    assert (found["v"], found["type"], found["kind"]) == (1, "alert", "non_finite")
    assert (found["time"], found["run"]) == (None, "run.csv")


def test_columns_are_asked_for_as_in_a_scan(tmp_path: Path) -> None:
    path = tmp_path / "gan.csv"
    rows = "".join(f"{i},{1 / (i + 1)},{math.nan if i > 99 else 1}\n" for i in range(110))
    path.write_text("step,loss_G,loss_D\n" + rows)
    refused = tail(path)
    assert refused.exit_code == 2
    assert "2 columns may be the loss" in refused.stderr
    assert "non_finite" in tail("--loss", "loss_D", path).stdout
    assert tail("--loss", "loss_G", path).stdout == ""


@pytest.mark.parametrize("text", ["no numbers here\n" * 9, "step,val_loss\n1,2\n2,2\n"])
@pytest.mark.parametrize("options", [[], ["-f"]])
def test_what_cannot_be_judged_is_an_error(tmp_path: Path, text: str, options: list[str]) -> None:
    (tmp_path / "log.txt").write_text(text)
    result = tail(*options, tmp_path / "log.txt")
    assert result.exit_code in (2, 3)
    assert str(tmp_path / "log.txt") in result.stderr


def test_json_lines_of_others_are_told_from_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(f'{{"step": {i}, "loss": {x}}}\n' for i, x in enumerate(HEALTHY)))
    assert "undecided (jsonl, 100 steps)" in tail(path).stderr
    ours = Ledger(tmp_path / "moved.jsonl")
    ours.write(ALERT)
    assert "stall" in tail(tmp_path / "moved.jsonl").stdout


def test_a_log_is_followed_line_by_line(log: Path) -> None:
    with following("-f", log) as process:
        assert "(csv, 100 steps)" in line_of(process.stderr)
        with log.open("a") as file:
            file.write(table([0.01], 101))
            file.flush()
            assert "non_finite" in line_of(process.stdout)
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 130


def test_a_log_that_does_not_exist_yet_is_waited_for(tmp_path: Path) -> None:
    with following("-F", tmp_path / "run") as process:
        with SummaryWriter(str(tmp_path / "run")) as writer:
            for i, loss in enumerate([*HEALTHY, math.nan, 0.01]):
                writer.add_scalar("train/loss", loss, i)
        assert "non_finite" in line_of(process.stdout)


def test_a_ledger_that_appears_is_followed_instead_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,loss\n" + table(HEALTHY))
    with following("-f", tmp_path) as process:
        assert "judged from its log" in line_of(process.stderr)
        Ledger(tmp_path / "lrwatch" / "alerts.jsonl").write(ALERT)
        assert "lrwatch watches it now" in line_of(process.stderr)
        assert "step=7" in line_of(process.stdout)


def test_names_and_numbers_of_a_log_cannot_steer_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J\u202e.jsonl"
    rows = [
        json.dumps({"step": i, "loss\x1b]0;x\x07": x}) for i, x in enumerate([*HEALTHY, math.nan])
    ]
    path.write_text("\n".join(rows) + "\n")
    for options in ([], ["--json"]):
        result = tail(*options, path, tmp_path / "a\x1b[2J\u202e.jsonl")
        assert (result.stdout + result.stderr).replace("\n", "").isprintable()
        assert "non_finite" in result.stdout


def test_a_text_log_is_judged_without_anything_heavy(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("".join(f"step {i}: loss {x:.4f}\n" for i, x in enumerate(HEALTHY)))
    script = (
        "import sys; from lrwatch.cli import main\n"
        "try: main(['tail', sys.argv[1]])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'numpy', 'pandas', 'tensorboard', 'rich'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, str(path)]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=dict(os.environ)
    )
    assert ran.stdout == "[]\n"
    assert "(text, 100 steps)" in ran.stderr
