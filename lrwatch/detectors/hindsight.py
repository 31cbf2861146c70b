"""Which way the rate was wrong if the run ended here: a verdict, not an alert."""

from lrwatch.records import Verdict
from lrwatch.stats.shape import shape
from lrwatch.stats.signals import Signals

MIN_STEPS = 200
_CLEAR_GAIN = 13.0


def hindsight(s: Signals) -> Verdict:
    """The verdict on the whole run so far, as if nothing came after.

    A run that ends before its progress has slowed could have gone further at a higher rate; one
    that was done in its first tenth, without a clear gain and without a fall since, sits on a
    floor that a lower rate would have gone below. An alert must not say so early, since a healthy
    run looks like the first while it is young; a look back may. Decided from the gradient norm
    and the rate too, so a run without them is never accused here.

    Returns:
        ``"undecided"`` before 200 losses, else ``"healthy"``, ``"too_low"`` or ``"too_high"``.
    """
    if s.n < MIN_STEPS:
        return "undecided"
    x = shape(s)
    if x is None:
        return "undecided"
    if x.norm_trend != x.norm_trend or s.lr != s.lr or x.rate_now < 0.9:
        return "healthy"
    if x.trend > 4.0 and x.late_ratio > 0.5 and x.early < 0.5 and x.given_back < 0.6:
        return "too_low"
    if x.gain < _CLEAR_GAIN and x.early < 0.8 and x.norm_peak < 2.0 and x.late_ratio > 0.2:
        return "too_low"
    if x.gain < 1.0 and x.norm_now < -0.6 and x.late_ratio < 0.3:
        return "too_high"
    return "healthy"
