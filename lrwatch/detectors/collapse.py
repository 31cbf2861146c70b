"""A net that was thrown off at the launch and gives every input the same answer since."""

import math

from lrwatch.stats.shape import Shape
from lrwatch.stats.signals import Signals

_N = 100
# Height of the leap and most that may be gained since, in noise; and that as a share of the leap.
_LEAP, _GAIN, _SHARE = 20.0, 15.0, 0.2
# Standard errors by which a loss comes down for certain.
_SLOPE = 2.5
# Logs: the usual norm over the first one, and by what norms differ from step to step.
_FELL, _CALM = -1.5, 0.28


def collapsed(s: Signals, x: Shape) -> str | None:
    """In words, that the loss leapt, fell to near its start and stands still while norms are low.

    A constant answer costs a bit less than the first random one, so the loss does stand below its
    start, by little against the leap. What tells it from a run that has learned all there is: its
    gradient norm is a fifth of the first one and hardly differs between batches, none of which is
    solved.

    Does not catch: a collapse without a leap; one whose batches are so small that the norm differs.
    """
    leapt = x.leap > _LEAP and x.gain < min(_GAIN, _SHARE * x.leap)
    low = x.norm_now < _FELL and x.norm_jitter < _CALM
    if s.n < _N or not (leapt and low) or _comes_down(s):
        return None
    return (
        f"loss leapt to {s.peak:.4g} and stands still at {s.recent.median:.4g}, at first "
        f"{s.start:.4g}, with {math.exp(x.norm_now):.2g} of the first gradient norm in every batch"
    )


def _comes_down(s: Signals) -> bool:
    """Whether the last quarter of the run lies below the one before, by more than chance."""
    means = s.blocks.means()
    quarter = len(means) // 4
    before, last = means[-2 * quarter : -quarter], means[-quarter:]
    level, now = sum(before) / quarter, sum(last) / quarter
    scatter = math.hypot(*(mean - level for mean in before), *(mean - now for mean in last))
    return level - now > _SLOPE * scatter / math.sqrt(quarter * (quarter - 1))
