import importlib
import io
import os
import sys

import pytest

from lrwatch.records import Action, Alert
from lrwatch.sinks.color import wants_color
from lrwatch.sinks.stderr import StderrSink

ALERT = Alert(kind="stall", severity="warning", step=5, onset=1, message="no progress")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_each_record_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    sink = StderrSink()
    sink.write_alert(ALERT)
    sink.write_action(Action(kind="skip", step=6, reason="NaN"))
    sink.close()
    out, err = capsys.readouterr()
    assert [line.split()[1:3] for line in err.splitlines()] == [["WARN", "stall"], ["ACT", "skip"]]
    assert out == ""


def test_a_progress_bar_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    tqdm = importlib.import_module("tqdm").tqdm
    with tqdm(total=10, file=terminal, mininterval=0, ncols=60) as bar:
        bar.update(3)
        StderrSink().write_alert(ALERT)
    shown = terminal.getvalue()
    before, after = shown.split("no progress\n")
    assert before[: before.rindex("WARN")].rsplit("\r", 1)[0].endswith(" " * 40)
    assert "30%" in after.split("\r")[1]


@pytest.mark.parametrize("broken", ["closed", "missing"])
def test_a_broken_stderr_is_no_trouble(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream if broken == "closed" else None)
    sink = StderrSink()
    sink.write_alert(ALERT)
    assert sys.stderr is not sink


class Tee:
    """What many a script puts in the place of stderr, to have a log file too."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


@pytest.mark.parametrize("with_tqdm", [True, False])
def test_a_stderr_that_can_only_be_written_to_gets_the_line(
    monkeypatch: pytest.MonkeyPatch, with_tqdm: bool
) -> None:
    importlib.import_module("tqdm")
    if not with_tqdm:
        monkeypatch.delitem(sys.modules, "tqdm")
    for name in ("NO_COLOR", "CLICOLOR_FORCE", "TERM"):
        monkeypatch.delenv(name, raising=False)
    tee = Tee()
    monkeypatch.setattr(sys, "stderr", tee)
    StderrSink().write_alert(ALERT)
    assert tee.text.endswith("no progress\n")


def test_a_forked_child_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    sink = StderrSink()
    if not (pid := os.fork()):
        sink.write_alert(ALERT)
        os._exit(0)
    os.waitpid(pid, 0)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("choice", "environ", "is_tty", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "0"}, False, False),
        ("auto", {"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"CLICOLOR_FORCE": "1"}, True, False),
    ],
)
def test_colour_follows_choice_then_environment_then_terminal(
    choice: str, environ: dict[str, str], is_tty: bool, expected: bool
) -> None:
    stream = Terminal() if is_tty else io.StringIO()
    assert wants_color(stream, choice, environ) is expected  # type: ignore[arg-type]
