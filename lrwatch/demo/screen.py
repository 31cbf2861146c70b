"""How the demo shows a training: its progress on one line, and alerts above it as they come."""

import math
import os
import time
from typing import TextIO

from lrwatch.records import Action, Alert, Point
from lrwatch.sinks.color import wants_color
from lrwatch.sinks.lines import line

_CLEAR = "\r\033[K"
_N_PLAIN_LINES = 12


class Screen:
    """A sink for a person who watches: pass it to :func:`lrwatch.attach` as one of ``sinks``.

    On a terminal the progress line is drawn over itself; elsewhere it is printed a dozen times.

    Args:
        stream: Where to print.
        n_steps: Length of the training, in steps, >= 1.
    """

    def __init__(self, stream: TextIO, n_steps: int) -> None:
        self._stream = stream
        self._n_steps = n_steps
        self._is_live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._color = wants_color(stream)
        self._progress = ""
        self._loss = math.nan

    def write_point(self, point: Point) -> None:
        """Show how far the training is; the loss is smoothed over about ten steps."""
        step = point.step
        if step.loss is not None:
            keeps = 0.9 if math.isfinite(self._loss) else 0.0
            self._loss = keeps * self._loss + (1 - keeps) * step.loss if keeps else step.loss
        lr = step.lr or 0.0
        n_done = step.step + 1
        self._progress = f"step {n_done:>4}/{self._n_steps}   loss {self._loss:<7.4g} lr {lr:.4g}"
        if self._is_live:
            self._draw()
        elif n_done == self._n_steps or n_done % max(1, self._n_steps // _N_PLAIN_LINES) == 0:
            self._stream.write(self._progress + "\n")

    def write_alert(self, alert: Alert) -> None:
        """Print the alert above the progress line."""
        self._print_above(alert)

    def write_action(self, action: Action) -> None:
        """Print the action above the progress line."""
        self._print_above(action)

    def close(self) -> None:
        """Leave the last progress line standing."""
        if self._is_live and self._progress:
            self._stream.write("\n")
        self._stream.flush()
        self._progress = ""

    def _print_above(self, record: Alert | Action) -> None:
        shown = line(record, time_s=time.time(), color=self._color)
        self._stream.write(f"{_CLEAR if self._is_live else ''}{shown}\n")
        if self._is_live:
            self._draw()
        self._stream.flush()

    def _draw(self) -> None:
        self._stream.write(_CLEAR + self._progress)
        self._stream.flush()
