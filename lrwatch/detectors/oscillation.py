"""The loss swings: it jumps above its level again and again, or alternates from step to step."""

from typing import ClassVar

from lrwatch.detectors.detector import Detector
from lrwatch.records import Alert, Kind
from lrwatch.stats.signals import Signals

_MEMORY = 128
_QUIET = 128
_LASTS = 2


class Oscillation(Detector):
    """Alerts when the loss left its band upwards ``n_jumps`` separate times within 128 losses.

    A jump counts if it exceeds 10 times the recent noise, 1.5 times the swing of the younger half
    of the run and 1.5 times what the loss typically rises by, and undoes a part of what was gained.
    One of the next two losses must be above the band as well: weights that were thrown need more
    than a step to return, where the loss of a bad batch is back with the next one. Where that is
    so of less than two thirds of the jumps, batches make them. Between two of them the loss must
    have come back to its level. Independent noise changes direction at two of three steps, so
    turning alone is no evidence, and jumps that lead out of the band for good are left to
    :mod:`~lrwatch.detectors.divergence`.

    Does not catch: a swing slower than 32 losses, which the level follows. NaN is skipped, zero
    spread makes every rise a jump, the sign of the loss does not matter, the first 12 losses are
    only learned from.

    Reference: J. Cohen et al., "Gradient Descent on Neural Networks Typically Occurs at the Edge
    of Stability", 2021 (why wiggle alone is normal).

    Args:
        n_jumps: Jumps within 128 losses that make an oscillation, >= 2.
    """

    kind: ClassVar[Kind] = "oscillation"
    SETTINGS = ("_n_jumps",)

    def __init__(self, *, n_jumps: int = 4) -> None:
        if n_jumps < 2:
            raise ValueError(f"n_jumps must be >= 2, got {n_jumps}")
        self._n_jumps = n_jumps
        super().__init__()

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._all: list[int] = []
        self._jumps: list[int] = []
        self._steps: list[int] = []
        self._step = 0
        self._away = self._open = False

    def update(self, s: Signals) -> Alert | None:
        """Judge the step that ``s`` was just updated with."""
        if s.loss != s.loss or s.n < 12:
            return None
        counted = self._counts(s)
        if not self._jumps:
            return None
        recent = sum(s.n - n < _MEMORY for n in self._jumps)
        most = 3 * recent >= 2 * sum(s.n - n < _MEMORY for n in self._all)
        if counted and most and recent >= self._n_jumps:
            return self._swinging(s, recent)
        if s.n - self._jumps[-1] == _QUIET:
            return self.close(s, f"no jump of the loss for {_QUIET} values")
        return None

    def _counts(self, s: Signals) -> bool:
        """Whether a jump is now known to be one of the weights; notes it if so."""
        if not s.loss > s.high:
            self._away = self._away and s.loss > 0.5 * (s.high + s.recent.median)
            return False
        if self._open and s.n - self._all[-1] <= _LASTS:
            self._open = False
            self._jumps.append(self._all[-1])
            self._steps.append(self._step)
            del self._jumps[: -2 * self._n_jumps], self._steps[: -2 * self._n_jumps]
            return True
        if not self._away and _jumped(s):
            self._away = self._open = True
            self._all.append(s.n)
            self._step = s.step
            del self._all[: -4 * self._n_jumps]
        return False

    def _swinging(self, s: Signals, count: int) -> Alert | None:
        onset = self._steps[-count]
        return self.tell(
            s,
            "warning",
            f"loss jumped out of its band {count} times since step {onset}, "
            f"limit {self._n_jumps} in {_MEMORY} values",
            onset=onset,
            advice="lower the rate by a third, or clip the gradient at its usual norm",
            value=float(count),
            limit=float(self._n_jumps),
            evidence={"level": s.recent.median, "noise": s.recent.noise},
        )


def _jumped(s: Signals) -> bool:
    """Whether the loss is far above its level, and further than it is all the time."""
    rise = s.loss - s.recent.median
    far = s.z() >= 10.0 and s.rise() >= 1.5 and rise >= 1.5 * s.rises.typical
    return far and s.matters()
