"""The rate is too low: the gradient is as large as at the start, and hardly anything happens."""

import math
from typing import ClassVar

from lrwatch.detectors.detector import Detector, Looks
from lrwatch.detectors.guessing import guessing
from lrwatch.detectors.one_way import go_one_way
from lrwatch.detectors.rates_to_try import higher
from lrwatch.detectors.small_steps import could_be, stands_still
from lrwatch.detectors.spent_schedule import spent_for
from lrwatch.detectors.too_low_card import TOO_LOW
from lrwatch.records import Alert, Kind
from lrwatch.stats.shape import Shape, shape
from lrwatch.stats.signals import Signals

# Share of the highest rate, below which a schedule has as good as ended the run.
LOWEST_RATE = 0.2
_SURE = 0.97
_NO_MORE = 0.2
_NO_RATE = "the rate is 0: set one, or look at the warm-up"
_UNLESS = "; a run that is to be thirty times as long may get there as it is"


class LrTooLow(Detector):
    """Alerts when a scorecard of the run's shape gives 97 % for it at two reviews in a row.

    Progress at a good rate is large at first and then slows, as what is easy has been learned. At
    a rate too low it is small against the noise of the loss, as fast in the last third of the run
    as before or not to be seen at all, without a leap, while the gradient is as large as it was at
    the start. How much each of these speaks for it is not set by hand: the points of the card
    (:class:`~lrwatch.detectors.scorecard.Scorecard`) are fitted to the runs of two sweeps, thinned
    and averaged logs of them included, and judged on workloads that were left out
    (``python -m tests.benchmarks.scorecard``). No card is asked where neither loss nor norm has
    moved, nor where small steps cannot have made the shape
    (:mod:`~lrwatch.detectors.small_steps`). Nothing is said of a live run whose weights go back and
    forth (:mod:`~lrwatch.detectors.one_way`), and what was said of it ends. Time is counted in
    summed rates, and nothing is said while a warm-up is less than half of the run ago, or once the
    rate has decayed to a fifth.
    Alerts too, whatever the card says, where a schedule took the rate to nothing and most of the
    run came after (:mod:`~lrwatch.detectors.spent_schedule`).

    Does not catch: runs without a gradient norm, where the same picture may be a true plateau
    (:mod:`~lrwatch.detectors.stall`), or without a rate, which may be in their warm-up, and rates
    a few times too low, whose progress is merely slower than it could be. NaN is skipped; zero
    spread counts as nothing to be seen; sign and unit of the loss do not matter; silent before 130
    losses, and in the first tenth of a run whose length is known. Where that is not known, a run
    that goes on for thirty times as long may get there all the same; the advice says so.

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
        self._spent = False

    def update(self, s: Signals) -> Alert | None:
        """Judge the step that ``s`` was just updated with."""
        if not s.review or s.loss != s.loss or s.n < self._min_steps:
            return None
        if s.total_steps is not None and s.step - s.start_step < s.total_steps / 10:
            return None
        x = shape(s)
        if x is None or s.lr != s.lr:
            return None
        n_spent = spent_for(s, x)
        if n_spent or self._spent:
            return self._tell_spent(s, n_spent) if n_spent else self._back(s, x)
        if x.norm_trend != x.norm_trend:
            return None
        likely = TOO_LOW.probability(x)
        judged = x.rate_now > LOWEST_RATE and s.lr_rising_n <= 0.5 * s.n and go_one_way(s)
        if not judged or not (stands_still(x) or (likely > _SURE and could_be(x))):
            self._seen = 0
            return self._recovered(s, x, likely)
        self._seen += 1
        return self._tell(s, x, likely) if self._seen > 1 else None

    def _tell(self, s: Signals, x: Shape, likely: float) -> Alert | None:
        norm = math.exp(x.norm_now)
        instead, top = higher(x.gain), s.lr / x.rate_now
        when = "now" if x.rate_now > 0.9 else "at its highest"
        odds = f": {likely:.0%} like a rate too low" if likely > _SURE else ""
        return self.tell(
            s,
            "warning",
            f"in {s.n} steps the loss {_progress(s, x)}, and the gradient norm is "
            f"{norm:.2g} times its first value{odds}",
            onset=s.start_step,
            verdict="too_low",
            advice=_advice(s, f"try {instead.words}{instead.numbers(top, when=when)}"),
            value=likely,
            limit=_SURE,
            evidence={
                "gain": x.gain,
                "late_ratio": x.late_ratio,
                "norm_now": norm,
                **instead.evidence(top),
            },
        )

    def _tell_spent(self, s: Signals, n: int) -> Alert | None:
        began = s.start_step + int((s.step - s.start_step) * (1 - n / s.n))
        alert = self.tell(
            s,
            "warning",
            f"the rate is {s.lr:.3g}, since about step {began} less than a ten-thousandth of its "
            f"highest, {s.lr_peak:.3g}, and the loss stands at {s.recent.median:.4g}",
            onset=began,
            verdict="too_low",
            advice="is scheduler.step() called once a batch where once an epoch was meant? "
            "Else make the schedule as long as the run",
            evidence={"lr_peak": s.lr_peak, "n_spent": n, "level": s.recent.median},
        )
        self._spent = self._spent or alert is not None
        return alert

    def _back(self, s: Signals, x: Shape) -> Alert | None:
        if x.rate_now <= LOWEST_RATE:
            return None
        self._spent = False
        return self.close(s, f"the rate is back at {s.lr:.3g}")

    def _recovered(self, s: Signals, x: Shape, likely: float) -> Alert | None:
        if self.severity is not None and not go_one_way(s):
            return self.close(s, "the weights go back and forth by now, and no longer one way")
        if self.severity is None or likely > _NO_MORE or x.late_ratio > 0.5:
            return None
        return self.close(s, f"the loss has come down to {s.recent.median:.4g} and now slows")


def _advice(s: Signals, rates: str) -> str:
    """What to do; labels that say nothing of the inputs come before any rate."""
    if not s.lr > 0.0:
        return _NO_RATE
    first = "check that labels match inputs; if they do, " if guessing(s) else ""
    return f"{first}{rates}{'' if s.total_steps else _UNLESS}"


def _progress(s: Signals, x: Shape) -> str:
    """What became of the loss, in words."""
    if abs(x.trend) < 4.0 or x.gain <= 0.0:
        return f"has not moved from {s.recent.median:.4g} by more than its noise"
    pace = f", {x.late_ratio:.0%} as fast now as before" if 0.0 < x.late_ratio < 10.0 else ""
    return f"fell by {x.gain:.1f} times its noise to {s.recent.median:.4g}{pace}"
