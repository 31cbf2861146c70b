"""How far a range test is, on one line of a terminal."""

import os
import time
from types import TracebackType
from typing import Self, TextIO

from lrwatch.range_test.search import Run

_CLEAR = "\r\033[K"
_EVERY_S = 0.1
_WIDTH = 24


class Progress:
    """A line that is drawn over itself, ten times a second at most, and gone at the end.

    Args:
        stream: Where to draw.
        wanted: None draws where the stream is a terminal.
    """

    def __init__(self, stream: TextIO, wanted: bool | None = None) -> None:
        self._stream = stream
        is_live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._is_on = is_live if wanted is None else wanted
        self._drawn_s = -_EVERY_S
        self._n_trials = 0
        self._is_drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_drawn:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._is_drawn = False

    def show(self, run: Run, n_done: int) -> None:
        """Draw, if it is time."""
        if not self._is_on:
            return
        if run.kind == "trial" and n_done == 1:
            self._n_trials += 1
        now_s = time.monotonic()
        if now_s - self._drawn_s < _EVERY_S:
            return
        self._drawn_s = now_s
        self._is_drawn = True
        self._stream.write(_CLEAR + self._line(run, n_done))
        self._stream.flush()

    def _line(self, run: Run, n_done: int) -> str:
        n = len(run.lrs)
        filled = _WIDTH * n_done // n
        bar = "#" * filled + "-" * (_WIDTH - filled)
        return f"lrwatch: {self._name(run):<22} [{bar}] {n_done:>3}/{n}  {self._rate(run, n_done)}"

    def _name(self, run: Run) -> str:
        if run.kind == "trial":
            return f"trial {self._n_trials} of 5 to 9"
        return "ramp of the rate" if run.kind == "ramp" else "weights left alone"

    def _rate(self, run: Run, n_done: int) -> str:
        lr = run.lrs[min(n_done, len(run.lrs)) - 1]
        return f"lr {lr:.3g}" if lr else ""
