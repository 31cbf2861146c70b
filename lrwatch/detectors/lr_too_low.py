"""The rate is too low: the gradient is as large as at the start, and hardly anything happens."""

import math
from typing import ClassVar

from lrwatch.detectors.detector import Detector, Looks
from lrwatch.records import Alert, Kind
from lrwatch.stats.shape import Shape, shape
from lrwatch.stats.signals import Signals

_STEADY_AFTER = 150


class LrTooLow(Detector):
    """Alerts when progress is slow, does not slow down further, and the gradient has not shrunk.

    Progress at a good rate is large at first and then slows, as what is easy has been learned. At
    a rate too low it is small against the noise of the loss (less than ``3 + n / 200`` times after
    n steps) and as fast in the last third of the run as before, or not to be seen at all, while
    loss and gradient norm are what they were at the start. After 480 losses a gain of less than
    13 times the noise, with no slowing and no quick start, is slow progress as well. *Steady*: for
    the last third of the run every review found progress that hardly slowed, less than a quarter
    of it done by the second tenth and no stair in it (an epoch of few examples falls in stairs),
    and a gradient as large as at first; from 300 losses on. Time is counted in summed rates, and
    nothing is said while a warm-up is less than half of the run ago, or the rate has decayed.
    What fell at once and stands since is not called too low.

    Does not catch: runs without a gradient norm, where the same picture may be a true plateau
    (:mod:`~lrwatch.detectors.stall`), or without a rate, which may be in their warm-up, and rates
    a few times too low, whose progress is merely slower than it could be. NaN is skipped; zero
    spread counts as nothing to be seen; sign and unit of the loss do not matter; silent before 130
    losses, and in the first twentieth of a run whose length is known.

    Reference: Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", 1998.

    Args:
        min_steps: Losses before the first alert, >= 32.
    """

    kind: ClassVar[Kind] = "lr_too_low"
    looks: ClassVar[Looks] = "at_reviews"
    SETTINGS = ("_min_steps",)

    def __init__(self, *, min_steps: int = 130) -> None:
        if min_steps < 32:
            raise ValueError(f"min_steps must be >= 32, got {min_steps}")
        self._min_steps = min_steps
        super().__init__()

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._seen = 0
        self._steady_since = 0

    def update(self, s: Signals) -> Alert | None:
        """Judge the step that ``s`` was just updated with."""
        if not s.review or s.loss != s.loss or s.n < self._min_steps:
            return None
        if s.total_steps is not None and s.step - s.start_step < s.total_steps / 20:
            return None
        x = shape(s)
        if x is None or x.norm_trend != x.norm_trend or s.lr != s.lr:
            return None
        words = _picture(s, x) or self._steady(s, x)
        if words is None:
            self._seen = 0
            return self._recovered(s, x)
        self._seen += 1
        if self._seen < 2:
            return None
        rate = (
            "" if math.isnan(s.lr) else f" (now {s.lr:.3g}, so {3 * s.lr:.2g} or {10 * s.lr:.2g})"
        )
        return self.tell(
            s,
            "warning",
            words,
            onset=s.start_step,
            verdict="too_low",
            advice=f"try three to ten times the rate{rate}",
            value=x.gain,
            limit=_cap(s),
            evidence={"gain": x.gain, "late_ratio": x.late_ratio, "norm_now": math.exp(x.norm_now)},
        )

    def _steady(self, s: Signals, x: Shape) -> str | None:
        """Progress at one pace, for long enough that a pace of its own is no accident."""
        if s.n < _STEADY_AFTER or not _is_steady(s, x):
            self._steady_since = 0
            return None
        self._steady_since = self._steady_since or s.n
        if s.n < 1.5 * self._steady_since or s.n < 2 * _STEADY_AFTER:
            return None
        return (
            f"for {s.n - self._steady_since} steps the loss has come down at one pace, and only "
            f"{max(x.early, 0.0):.0%} of the way in the first fifth; the gradient has not shrunk"
        )

    def _recovered(self, s: Signals, x: Shape) -> Alert | None:
        if self.severity is None or x.drop < 2.0 * _cap(s) or x.late_ratio > 0.5:
            return None
        return self.close(s, f"the loss has come down to {s.recent.median:.4g} and now slows")


def _is_steady(s: Signals, x: Shape) -> bool:
    pace = x.trend > 4.0 and x.late_ratio > 0.35 and 0.04 < x.early < 0.25 and x.given_back < 0.6
    stairs = x.steepest > 0.3
    same = not stairs and -1.2 < x.norm_now < 0.5 and x.gain < 20.0
    return pace and same and x.rate_now >= 0.9 and s.lr_rising_n <= 0.5 * s.n


def _cap(s: Signals) -> float:
    return 3.0 + s.n / 200.0


def _picture(s: Signals, x: Shape) -> str | None:
    calm = x.peak < 12.0 and x.norm_level < 1.0 and x.norm_peak < 2.5
    if not calm or x.rate_now < 0.9 or s.lr_rising_n > 0.5 * s.n:
        return None
    if abs(x.trend) < 4.0:
        still = abs(x.norm_trend) < 0.35 and abs(x.norm_now) < 0.5 and x.norm_level < 0.8
        fell_at_once = x.drop > 2.8 and x.early > 0.5 and x.late_ratio < 0.0
        if not still or fell_at_once:
            return None
        return f"loss {s.recent.median:.4g} and gradient norm have not moved in {s.n} steps"
    late = s.n >= 480 and x.late_ratio > 0.75 and x.early < 0.3 and x.gain < 13.0
    if late and x.trend > 4.0 and x.given_back < 0.6 and x.norm_now > -0.5:
        return (
            f"after {s.n} steps the loss falls {min(x.late_ratio, 9.99):.0%} as fast as before, "
            f"with {x.gain:.1f} times its noise gained"
        )
    slow = x.late_ratio > 0.7 and x.given_back < 0.6 and x.norm_now > -0.5
    if x.trend < 0.0 or not slow or x.drop > _cap(s):
        return None
    return (
        f"loss fell by only {x.gain:.1f} times its noise in {s.n} steps, as fast now as at first, "
        "and the gradient has not shrunk"
    )
