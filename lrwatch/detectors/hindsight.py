"""Which way the rate was wrong if the run ended here: a verdict, not an alert."""

from lrwatch.detectors.one_way import go_one_way
from lrwatch.detectors.too_low_card import TOO_LOW
from lrwatch.records import Verdict
from lrwatch.stats.shape import has_none, shape
from lrwatch.stats.signals import Signals

MIN_STEPS = 200
_LIKELY = 0.6
_GAINED = 1.0


def hindsight(s: Signals) -> Verdict:
    """The verdict on the whole run so far, as if nothing came after.

    A run that ends before its progress has slowed could have gone further at a higher rate: the
    scorecard of :class:`~lrwatch.detectors.lr_too_low.LrTooLow` finds that likelier than not. One
    that gained nothing while its gradient norm fell was moved, to no better place. An alert must
    not say so early, since a healthy run looks like the first while it is young; a look back may.
    Decided from the gradient norm and the rate too, so a run without them is never accused here.
    One whose loss is not below its start is not called healthy, whatever else is known of it.

    Returns:
        ``"undecided"`` before 200 losses, else ``"healthy"``, ``"too_low"`` or ``"too_high"``.
    """
    if s.n < MIN_STEPS:
        return "undecided"
    x = shape(s)
    if x is None:
        return "undecided"
    unless: Verdict = "healthy" if x.gain >= _GAINED else "undecided"
    if x.norm_trend != x.norm_trend or s.lr != s.lr:
        return unless
    if x.rate_now >= 0.9 and x.gain < 1.0 and x.norm_now < -0.6 and x.late_ratio < 0.3:
        return unless if has_none(s) else "too_high"
    done_at_once = x.early > 0.7 and x.trend < 4.0
    slow = x.trend > -4.0 and x.norm_peak < 2.5 and not done_at_once and go_one_way(s)
    if slow and TOO_LOW.probability(x) > _LIKELY:
        return "too_low"
    return unless
