"""What the demo shows on a terminal, and where there is none."""

import io

import pytest

from lrwatch.demo.screen import Screen
from lrwatch.records import Alert, Point, Step

ALERT = Alert(kind="divergence", severity="critical", step=3, onset=2, message="loss 9, above 3")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, n_steps: int = 4) -> str:
    screen = Screen(stream, n_steps)
    for step in range(n_steps):
        screen.write_point(Point(step=Step(step=step, loss=2.0, lr=0.05), lr_scale=0.5))
        if step == ALERT.step:
            screen.write_alert(ALERT)
    screen.close()
    return stream.getvalue()


def test_elsewhere_than_on_a_terminal_it_prints_a_dozen_plain_lines() -> None:
    lines = shown(io.StringIO(), n_steps=1200).splitlines()
    steps = [line for line in lines if line.startswith("step")]
    assert len(steps) == 12
    assert steps[-1] == "step 1200/1200   loss 2       lr 0.05"
    assert not [line for line in lines if "\r" in line or "\033" in line]


def test_a_terminal_is_drawn_on_one_line_with_alerts_above_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    *above, last, rest = shown(Terminal()).split("\n")
    assert rest == ""
    assert len(above) == 1
    alert_line = above[0].split("\r\033[K")[-1]
    assert "loss 9, above 3" in alert_line
    assert last.split("\r\033[K")[-1] == "step    4/4   loss 2       lr 0.05"


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert "\033" not in shown(Terminal())


def test_one_bad_loss_is_shown_and_then_left_behind() -> None:
    stream = io.StringIO()
    screen = Screen(stream, 2)
    for step, loss in enumerate((float("nan"), 1.5)):
        screen.write_point(Point(step=Step(step=step, loss=loss)))
    first, second = stream.getvalue().splitlines()
    assert "loss nan" in first
    assert "loss 1.5" in second
