"""A schedule that took the rate to nothing early in the run, as one stepped per batch does."""

import math
from itertools import takewhile

from lrwatch.detectors.easy_problems import batches_solved, mostly_solved
from lrwatch.stats.shape import Shape
from lrwatch.stats.signals import Signals

# Schedules end at a hundredth or a thousandth of the peak; those that go to zero are below this
# in their last steps only: a cosine for 0.6 %, a one-cycle for less than 2 %.
_NOTHING = 1e-4
_SHARE = 0.5
_MIN_STEPS = 200
_CHANGE_TO_STD = 0.8862269254527579
# In standard errors: one look in forty is wrong of a loss that stands still, and a later one right.
_PERHAPS = 2.0


def spent_for(s: Signals, x: Shape) -> int:
    """For how many losses the rate has been nothing, where that is most of the run; else 0.

    Nothing is less than a ten-thousandth of its highest, in blocks of the run without a break
    until now, at least 200 losses and more than half of the run, or of its length where that is
    known. The loss must stand still since: where it comes down, the highest rate was that of a
    range test, or of a single group of weights. Where the batches are solved by now, there is
    nothing to be said; where no norm is known, a loss far below its start counts as that.
    """
    if not s.lr_peak > 0.0:
        return 0
    least = _NOTHING * s.lr_peak * s.blocks.length
    rates = s.blocks.column("rate")
    n_blocks = sum(1 for _ in takewhile(lambda rate: rate < least, reversed(rates)))
    n = n_blocks * s.blocks.length
    passed = s.step - s.start_step
    whole = max(1.0, s.total_steps / passed) if s.total_steps and passed > 0 else 1.0
    if n < _MIN_STEPS or n <= _SHARE * whole * s.n or _falls(s, n_blocks) or _solved(s, x):
        return 0
    return n


def _falls(s: Signals, n_blocks: int) -> bool:
    """Whether the last half of these blocks may well lie below their first quarter."""
    means = s.blocks.means()[-n_blocks:]
    changes = sorted(s.blocks.column("change")[-n_blocks:])
    first, last = means[: n_blocks // 4], means[n_blocks // 2 :]
    noise = _CHANGE_TO_STD * changes[n_blocks // 2] / s.blocks.length
    error = noise * math.sqrt((1 / len(first) + 1 / len(last)) / s.blocks.length)
    return sum(first) / len(first) - sum(last) / len(last) > _PERHAPS * error


def _solved(s: Signals, x: Shape) -> bool:
    return mostly_solved(s) if x.norm_now != x.norm_now else batches_solved(s, x)
