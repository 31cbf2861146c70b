"""Alerts on stderr, one line each, as they come; a progress bar of tqdm stays whole."""

import os
import sys
import time

from lrwatch.errors import let_pass
from lrwatch.records import Action, Alert, Point
from lrwatch.sinks.color import ColorChoice, wants_color
from lrwatch.sinks.lines import line


class StderrSink:
    """Print every alert and action on stderr.

    Where the program uses tqdm, the line is printed above its bars. A stderr that is closed or
    missing is no trouble, and a forked child says nothing.

    Args:
        color: ``"auto"`` colours the level on a terminal, unless NO_COLOR is set.
        of: Name of the optimizer, for where there are several.
    """

    def __init__(self, *, color: ColorChoice = "auto", of: str = "") -> None:
        self._color = color
        self._of = of
        self._pid = os.getpid()

    def write_point(self, point: Point) -> None:
        """Show nothing: a terminal is no place for every step."""

    def write_alert(self, alert: Alert) -> None:
        """Print the alert."""
        self._print(alert)

    def write_action(self, action: Action) -> None:
        """Print the action."""
        self._print(action)

    def close(self) -> None:
        """Nothing is held."""

    def _print(self, record: Alert | Action) -> None:
        if os.getpid() != self._pid or sys.stderr is None:
            return
        try:
            color = wants_color(sys.stderr, self._color)
            print_above_bars(line(record, time_s=time.time(), color=color, of=self._of))
        except Exception as error:  # whatever stderr was replaced with, training goes on
            let_pass(error)


def print_above_bars(text: str) -> None:
    """Print a line on stderr; where tqdm is used, above its bars."""
    tqdm = getattr(sys.modules.get("tqdm"), "tqdm", None)
    if tqdm is not None:
        tqdm.write(text, file=sys.stderr)
        return
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
