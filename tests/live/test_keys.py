"""Keys are those of a terminal; without one, or on Windows, there are none."""

import sys

import pytest

from lrwatch.live.keys import keys


def test_on_windows_which_has_no_termios_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "termios", None)
    with keys() as typed:
        assert typed.wait(0) == ""


def test_a_stdin_that_is_no_terminal_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(__file__) as file:
        monkeypatch.setattr(sys, "stdin", file)
        with keys() as typed:
            assert typed.wait(0) == ""
