"""Batches that differ by much, and a first one that was easy."""

from itertools import pairwise

from lrwatch.stats.signals import Signals

_SOME, _SHARE_BELOW = 3, 0.05
_ORDERED = 0.3


def scattered(s: Signals) -> bool:
    """Whether losses lie above a start that was low by chance: batches that differ by much.

    Then some lie below it, and one says nothing about the next: their ranks are not correlated, as
    those of a run are that was thrown somewhere.

    Reference: R. Bartels, "The Rank Version of von Neumann's Ratio Test for Randomness", 1982.
    """
    if s.n_below < max(_SOME, _SHARE_BELOW * s.n):
        return False
    values = s.recent.values
    ranks = [0.0] * len(values)
    for rank, i in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        ranks[i] = rank - 0.5 * (len(values) - 1)
    tied = sum([a * b for a, b in pairwise(ranks)])
    return tied < _ORDERED * sum([rank * rank for rank in ranks])
