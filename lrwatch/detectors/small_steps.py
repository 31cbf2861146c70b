"""What updates that are too small can make of a run, whatever a scorecard says of its shape."""

from lrwatch.stats.shape import Shape

_SMALL_GAIN = 16.0
# What a decaying rate gains by itself must not count for it; share of the highest rate.
_DECAYED, _SMALL_GAIN_DECAYED = 0.9, 8.0


def stands_still(x: Shape) -> bool:
    """Whether neither loss nor gradient norm has moved at all, which needs no card."""
    still = abs(x.norm_trend) < 0.35 and abs(x.norm_now) < 0.5 and x.norm_level < 0.8
    fell_at_once = x.drop > 2.8 and x.early > 0.5 and x.late_ratio < 0.0
    where_it_was = abs(x.trend) < 3.0 and x.above_first > -2.0
    return _is_calm(x) and still and where_it_was and not fell_at_once


def could_be(x: Shape) -> bool:
    """Whether small steps could make this: little gained, no stair, no leap, a large gradient.

    A loss that stood and then fell is at the end of a plateau, which every rate has to cross; one
    whose fall has clearly slowed is learning what is harder, as at a good rate.
    """
    stairs = x.gain > 8.0 and x.steepest > 0.5
    off_a_plateau = x.late_ratio > 1.4 and x.trend > 6.0
    most = _SMALL_GAIN if x.rate_now >= _DECAYED else _SMALL_GAIN_DECAYED
    small = x.gain < most and not stairs and not off_a_plateau
    return _is_calm(x) and small and x.norm_now > -1.2 and not _has_slowed(x)


def _has_slowed(x: Shape) -> bool:
    """Whether a fall that is beyond doubt was mostly early, or is much slower now."""
    return x.trend > 4.0 and (x.late_ratio < 0.5 or x.early > 0.5)


def _is_calm(x: Shape) -> bool:
    """Whether neither loss nor gradient norm ever leapt."""
    return x.peak < 12.0 and x.norm_peak < 2.5
