"""Batches that differ by much, and a first one that was easy."""

from itertools import pairwise

from lrwatch.stats.shape import Shape
from lrwatch.stats.signals import Signals

# Part of a fall that is left where something was gained in truth, however rough each loss is, and
# log of the level that the norm must have stood at where the weights were thrown.
KEPT, THROWN = 0.7, 2.0
_SOME, _SHARE_BELOW = 3, 0.05
_ORDERED = 0.3
# Times the scatter of the log norm that a burst may be, where a fall is there and where none is
# sure; log of a burst that no scatter explains.
_WIDE, _NARROW, _BEYOND = 8.0, 4.5, 3.0
# The scatter of the log norm, and its correlation with the loss, where the batch is most of both.
_ROUGH, _TOGETHER = 0.4, 0.5
_YOUNG, _FALLS = 200, 2.0


def scattered(s: Signals) -> bool:
    """Whether losses lie above a start that was low by chance: batches that differ by much.

    Then some lie below it, and one says nothing about the next: their ranks are not correlated, as
    those of a run are that was thrown somewhere.
    """
    return s.n_below >= max(_SOME, _SHARE_BELOW * s.n) and untied(s)


def untied(s: Signals) -> bool:
    """Whether one loss says nothing about the next: the ranks of neighbours are not correlated.

    Reference: R. Bartels, "The Rank Version of von Neumann's Ratio Test for Randomness", 1982.
    """
    values = s.recent.values
    ranks = [0.0] * len(values)
    for rank, i in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        ranks[i] = rank - 0.5 * (len(values) - 1)
    tied = sum([a * b for a, b in pairwise(ranks)])
    return tied < _ORDERED * sum([rank * rank for rank in ranks])


def batches_decide(s: Signals, x: Shape) -> bool:
    """Whether the batch makes most of what is seen, as tiny ones do, so that no leap is sure yet.

    Loss and norm then scatter together and by much, one loss says nothing about the next, and the
    norm has burst no further than twenty times its first value: that may have been an easy one.
    It is sure after 200 losses, unless the loss falls.
    """
    together = x.norm_jitter > _ROUGH and x.tied > _TOGETHER and untied(s)
    return together and x.norm_peak <= _BEYOND and (s.n < _YOUNG or x.trend > _FALLS)


def began_easy(s: Signals, x: Shape) -> bool:
    """Whether only the first batch was better than what came, and the norm burst no further.

    The norm then rose above its first value as far as batches scatter, and the loss is below those
    after the first.
    """
    fell = s.n >= 100 and x.left_from_first > KEPT and x.norm_level < THROWN
    scatters = x.norm_peak <= min((_WIDE if fell else _NARROW) * x.norm_jitter, _BEYOND)
    return scatters and x.above_first < 0.0 and (s.n >= 48 or x.leap <= 10.0)
