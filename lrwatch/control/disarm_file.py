"""The file by which another terminal takes the back-off off a run."""

import math
import time
from collections.abc import Callable
from pathlib import Path

from lrwatch.errors import let_pass

SHARE = 0.005
CHEAP_S = 1e-4
N_LOOKS = 16


class DisarmFile:
    """Looks at each step for a file that was touched since the run began.

    A look takes microseconds on a local disk. Where the fastest of at least 16 took over a tenth
    of a millisecond, over a network, the next is due after 200 times as long. The first alone
    would not do: while the run's other threads start, any look may wait milliseconds for them. A
    file that lies there from an earlier run says nothing about this one.

    Args:
        path: Where it appears; None: nowhere.
        clock: Seconds of a steady clock.
    """

    def __init__(
        self, path: Path | None, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._path = path
        self._clock = clock
        self._stale = self._touched()
        self._due, self._fastest_s, self._n_looks = clock(), math.inf, 0

    def appeared(self) -> bool:
        """Whether it was touched; looks only where that is due."""
        if self._path is None:
            return False
        began = self._clock()
        if began < self._due:
            return False
        touched = self._touched()
        ended = self._clock()
        self._fastest_s = min(self._fastest_s, ended - began)
        self._n_looks += 1
        if self._n_looks >= N_LOOKS and self._fastest_s > CHEAP_S:
            self._due = ended + self._fastest_s / SHARE
        return touched not in (None, self._stale)

    def _touched(self) -> int | None:
        try:
            return None if self._path is None else self._path.stat().st_mtime_ns
        except OSError as error:
            let_pass(error)
            return None
