"""The loss swings: it jumps above its level again and again, or alternates from step to step."""

from typing import ClassVar

from lrwatch.detectors.detector import Detector
from lrwatch.records import Alert, Kind
from lrwatch.stats.signals import Signals

_MEMORY = 128
_QUIET = 128


class Oscillation(Detector):
    """Alerts when the loss left its band upwards ``n_jumps`` separate times within 128 losses.

    A jump counts if it exceeds 10 times the recent noise and 1.5 times the swing of the younger
    half of the run, and undoes a part of what was gained. Independent noise changes direction at
    two of three steps, so turning alone is no evidence: only jumps out of the band count, and those
    that lead out of it for good are left to :mod:`~lrwatch.detectors.divergence`.

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
        self._jumps: list[int] = []
        self._steps: list[int] = []
        self._was_out = False

    def update(self, s: Signals) -> Alert | None:
        """Judge the step that ``s`` was just updated with."""
        if s.loss != s.loss or s.n < 12:
            return None
        out = s.loss > s.high and s.z() >= 10.0 and s.rise() >= 1.5 and s.matters()
        if out and not self._was_out:
            self._jumps.append(s.n)
            self._steps.append(s.step)
            del self._jumps[: -2 * self._n_jumps], self._steps[: -2 * self._n_jumps]
        self._was_out = out
        if not self._jumps:
            return None
        recent = [n for n in self._jumps if s.n - n < _MEMORY]
        if out and len(recent) >= self._n_jumps:
            return self._swinging(s, len(recent))
        if s.n - self._jumps[-1] == _QUIET:
            return self.close(s, f"no jump of the loss for {_QUIET} values")
        return None

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
