"""The loss jumps far above its level, and usually comes back."""

from typing import ClassVar

from lrwatch.detectors.detector import Detector
from lrwatch.records import Alert, Kind, Severity
from lrwatch.stats.signals import Signals

_SETTLED = 8
_FAR = 3.0
_YOUNG = 32
_LASTS = 2
_AS_BEFORE = 1.5
_PART = 0.25


class Overshoot(Detector):
    """Alerts when one loss stands far above the median of the last 32.

    Far is both ``n_sigmas`` times the noise around that median and ``n_swings`` times the range
    that the loss covered over the younger half of the run, and undoes a twelfth of what was
    gained since the start; two thirds of the height, or less undone, is an ``info``. Heavy
    tails, rare classes and small last batches are learned: a jump is told if it is half as high
    again as any in the younger half of the run (:class:`~lrwatch.stats.rises.Rises`), and is more
    than an ``info`` if one of the next two losses is above the band as well, since a bad batch is
    over with the next one, or, after 32 losses, if it is three times as high. Where most of the
    last losses are equal, as batches that keep a margin are, there is no noise to measure by: a
    loss is told that stands above any of the whole run, and undoes a quarter. Silent for the
    first 12 losses.

    Does not catch: a slow rise (:mod:`~lrwatch.detectors.divergence`) or many small jumps
    (:mod:`~lrwatch.detectors.oscillation`). NaN is skipped; with zero spread any rise
    above those before counts; the sign of the loss does not matter.

    Reference: B. Iglewicz and D. C. Hoaglin, "How to Detect and Handle Outliers", 1993 (median
    and MAD instead of mean and standard deviation).

    Args:
        n_sigmas: Limit in standard deviations of the recent noise, > 0.
        n_swings: Limit in swings of the younger half of the run, > 0.
    """

    kind: ClassVar[Kind] = "overshoot"
    SETTINGS = ("_n_sigmas", "_n_swings")

    def __init__(self, *, n_sigmas: float = 10.0, n_swings: float = 2.5) -> None:
        if not n_sigmas > 0:
            raise ValueError(f"n_sigmas must be > 0, got {n_sigmas}")
        if not n_swings > 0:
            raise ValueError(f"n_swings must be > 0, got {n_swings}")
        self._n_sigmas = n_sigmas
        self._n_swings = n_swings
        super().__init__()

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._inside = 0
        self._level = 0.0
        self._jump = 0.0
        self._z = 0.0
        self._clear = 0

    def update(self, s: Signals) -> Alert | None:
        """Judge the step that ``s`` was just updated with."""
        if s.loss != s.loss or s.n < 12:
            return None
        if not s.loss > s.high:
            self._inside += 1
            if self._inside == _SETTLED:
                return self._settle(s)
            return None
        self._inside = 0
        lasts = self._clear > 0 and s.n - self._clear <= _LASTS
        height = self._height(s)
        if height < 0.67 or not s.stands_out() or _is_unsolved(s):
            return self._tell(s, "warning") if lasts else None
        rise = s.loss - s.recent.median
        if self.severity is None or rise > self._jump:
            self._level, self._jump, self._z = s.recent.median, rise, s.z()
        far = s.outside > 0 or (s.n > _YOUNG and s.stands_out(_FAR))
        clear = height >= 1.0 and s.matters()
        self._clear = s.n if clear else 0
        return self._tell(s, "warning" if lasts or (clear and far) else "info")

    def _tell(self, s: Signals, severity: Severity) -> Alert | None:
        loss = self._level + self._jump
        return self.tell(
            s,
            severity,
            f"loss {loss:.4g} jumped above {self._level:.4g} by {_times(self._z)} its noise",
            onset=s.onset if s.outside else s.step,
            advice="one bad batch if it comes straight back; if it happens again, clip the "
            "gradient at its usual norm or lower the rate by a third",
            value=loss,
            limit=s.recent.median + self._n_sigmas * s.recent.noise,
            evidence={"level": s.recent.median, "noise": s.recent.noise, "swing": s.swing},
        )

    def _height(self, s: Signals) -> float:
        """How far the loss stands out, 1 where an alert is due."""
        by_swing = min(s.z() / self._n_sigmas, s.rise() / self._n_swings)
        if not s.gained > 0.0:
            return by_swing
        lost = (s.loss - s.recent.median) / s.gained
        return max(by_swing, min(s.z() / (1.5 * self._n_sigmas), lost / 0.25))

    def _settle(self, s: Signals) -> Alert | None:
        now = s.recent.median
        if now - self._level > 0.5 * self._jump:
            return self.close(s, f"loss stays up there, its level is {now:.4g} now")
        return self.close(s, f"loss is back at {now:.4g}")


def _is_unsolved(s: Signals) -> bool:
    """Whether it is a batch as there were before, among many that are solved to the same loss."""
    level = s.recent.median
    if 2 * s.recent.values.count(level) <= len(s.recent):
        return False
    highest = max(s.rises.tops, default=0.0)
    return s.loss - level < max(_AS_BEFORE * highest, _PART * s.gained)


def _times(z: float) -> str:
    return f"{z:.0f} times" if z < 1e4 else "more than 10000 times"
