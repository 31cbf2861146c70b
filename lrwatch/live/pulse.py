"""The pulse of a run: how fast its steps come, when the last came, whether it has stopped."""

from collections import deque
from itertools import pairwise
from statistics import median

_N_KEPT = 32
_MIN_STALE_S = 10.0
_UNKNOWN_STALE_S = 150.0
_N_GAPS = 5.0


class Pulse:
    """Follows the times of the steps, by their own clock where they have one.

    A run is stale when nothing has come for five times as long as usual, but ten seconds at
    least; while it is not known what is usual, 150 s, since TensorBoard's writer keeps back for
    two minutes what it is given.

    Attributes:
        last_s: When the last step was made, in seconds since the epoch; None before the first.
    """

    def __init__(self) -> None:
        self._steps: deque[tuple[float, int]] = deque(maxlen=_N_KEPT)
        self._arrivals: deque[float] = deque(maxlen=_N_KEPT)
        self.last_s: float | None = None

    def step(self, step: int, time_s: float | None) -> None:
        """Take a step with the time at which it was written, if that is known."""
        if time_s is not None:
            if self._steps and (step < self._steps[-1][1] or time_s < self._steps[-1][0]):
                self._steps.clear()
            self._steps.append((time_s, step))
            self.last_s = time_s

    def arrived(self, step: int, now_s: float, *, has_times: bool) -> None:
        """Say that steps up to this one were read now."""
        self._arrivals.append(now_s)
        if not has_times:
            self.step(step, now_s)

    def seen_before(self, time_s: float) -> None:
        """Say when a log without times was last written, for what was there at the beginning."""
        self.last_s = time_s

    def age_s(self, now_s: float) -> float | None:
        """Seconds since the last step; None before the first."""
        return None if self.last_s is None else max(0.0, now_s - self.last_s)

    @property
    def steps_per_s(self) -> float | None:
        """How many steps a second, over the last ones; None if that is not known."""
        if len(self._steps) < 2:
            return None
        (first_s, first), (last_s, last) = self._steps[0], self._steps[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s and last > first else None

    def is_stale(self, now_s: float) -> bool:
        """Whether nothing has come for far longer than usual."""
        age_s = self.age_s(now_s)
        return age_s is not None and age_s > self._patience_s()

    def _patience_s(self) -> float:
        gaps = [b - a for a, b in pairwise(self._arrivals)]
        return max(_MIN_STALE_S, _N_GAPS * median(gaps)) if gaps else _UNKNOWN_STALE_S
