"""What the loss alone shows of a rate too high, in a log without gradient norms."""

from lrwatch.detectors.scatter import scattered
from lrwatch.stats.shape import Shape
from lrwatch.stats.signals import Signals


def by_loss_alone(s: Signals, x: Shape) -> str | None:
    """In words, that the loss leapt high and gained nothing; None where it did not.

    None too where norms are known: they tell more, and sooner. One high loss is no leap: the first
    third of the run has to stand clearly above the last.
    """
    if x.norm_peak == x.norm_peak or s.n < 48:
        return None
    crept = x.drop < 4.0 and x.early > -0.5
    over = x.peak > 12.0 and x.leap > 8.0 and x.above_start > 1.0 and x.above_first > 0.5
    if over and not crept and s.recent.median > s.start and not scattered(s):
        return above(s)
    nothing = x.gain < 1.0 and x.trend > 6.0
    if s.n >= 64 and nothing and x.peak > 15.0 and x.leap > 10.0:
        return (
            f"loss leapt to {s.peak:.4g} and has gained nothing in {s.n} steps: it is at "
            f"{s.recent.median:.4g}, at first {s.start:.4g}"
        )
    return None


def above(s: Signals) -> str:
    """That the loss stands above its start, in words."""
    return (
        f"loss is at {s.recent.median:.4g} after {s.n} steps, above its start {s.start:.4g}, "
        f"and had leapt to {s.peak:.4g}"
    )
