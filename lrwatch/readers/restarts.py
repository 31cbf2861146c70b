"""Restarts: where a log goes back to its first step, a run may have been started anew in it."""

import math
from collections import deque

from lrwatch.records import Step

_N_RECENT = 20


class Restarts:
    """Tells whether a step begins a new run in the log of another.

    That is a step at or before the first one, after later ones, whose loss is further from all of
    the last 20 than these are from each other. A run that was resumed half way is none, nor is a
    batch that is counted from 0 in every epoch: its loss goes on where it was.

    Attributes:
        n_starts: How many runs there were before this one.
    """

    def __init__(self) -> None:
        self.n_starts = 0
        self._first: int | None = None
        self._highest = 0
        self._recent: deque[float] = deque(maxlen=_N_RECENT)

    def begins_anew(self, step: Step) -> bool:
        """Take the next step; whether it is the first of a new run."""
        is_first = self._first is not None and step.step <= self._first < self._highest
        is_new = is_first and self._leaps(step.loss)
        if is_new:
            self.n_starts += 1
            self._recent.clear()
        if self._first is None or is_new:
            self._first = self._highest = step.step
        self._highest = max(self._highest, step.step)
        if step.loss is not None:
            self._recent.append(step.loss)
        return is_new

    def _leaps(self, loss: float | None) -> bool:
        if loss is None or not math.isfinite(loss) or not self._recent:
            return False
        low, high = min(self._recent), max(self._recent)
        if not all(map(math.isfinite, self._recent)):
            return True
        return not 2 * low - high <= loss <= 2 * high - low
