"""What a run looks like that leaps at first and is well all the same: its problem is easy."""

from lrwatch.stats.shape import Shape
from lrwatch.stats.signals import Signals

_YOUNG = 64
_FAR = 10.0
# Log of a tenth, and a bit less: the usual gradient over the first one where batches are solved.
_GONE = -2.5


def comes_back(s: Signals, share: float) -> bool:
    """Whether a young run has leapt, but this share of its losses is back below the start.

    Where many samples can be satisfied at once, the first large updates solve some batches and
    spoil others, until all are solved. Nothing is known of it before 64 losses.
    """
    if s.n >= _YOUNG:
        return False
    younger = s.recent.values[-(s.n // 2) :]
    return sum(loss < s.start for loss in younger) >= share * len(younger)


def mostly_solved(s: Signals) -> bool:
    """Whether the usual loss is far below the start, and only bursts keep the mean up there.

    "Far" is ten times what the lower losses differ by, which bursts do not widen.
    """
    ordered = sorted(s.recent.values)
    usual, low = ordered[len(ordered) // 2], ordered[len(ordered) // 10]
    return s.start - usual > _FAR * (usual - low)


def batches_solved(s: Signals, x: Shape) -> bool:
    """Whether the usual batch gives no gradient any more and its loss lies below the start.

    A net that learns a small table by heart is done with most batches soon, and then wrong about
    single ones, with a large gradient. Dead units give no gradient either, but stand above.
    """
    younger = s.recent.values[-(s.n // 2) :]
    below = sum(loss < s.start for loss in younger)
    return x.norm_now < _GONE and 2 * below >= len(younger)
