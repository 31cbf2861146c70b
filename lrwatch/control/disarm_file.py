"""The file by which another terminal takes the back-off off a run."""

import time
from collections.abc import Callable
from pathlib import Path

EVERY_S = 0.2


class DisarmFile:
    """Looks for a file that was touched since the run began, at most five times a second.

    A step that takes longer than that looks each time, so that the file takes effect at the next
    step. One that lies there from an earlier run says nothing about this one.

    Args:
        path: Where it appears; None: nowhere.
        clock: Seconds of a steady clock.
    """

    def __init__(self, path: Path | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._stale = self._touched()
        self._due = clock()

    def appeared(self) -> bool:
        """Whether it was touched; looks only where that is due."""
        if self._path is None or self._clock() < self._due:
            return False
        self._due = self._clock() + EVERY_S
        return self._touched() not in (None, self._stale)

    def _touched(self) -> int | None:
        try:
            return None if self._path is None else self._path.stat().st_mtime_ns
        except OSError:
            return None
