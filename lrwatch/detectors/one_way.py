"""Weights at a rate too low go one way: where they go back and forth, it is not that."""

from lrwatch.stats.signals import Signals

_ONE_WAY = 0.25


def go_one_way(s: Signals) -> bool:
    """Whether the weights still go the way they went; so too where that is not known.

    Loss and gradient norm look the same at a rate too low as where nothing is left to learn: most
    of the loss is noise, and the norm that of single batches. Where the second half of the run took
    the weights on by less than a quarter of what the first did, they are where the batches hold
    them, and larger steps would take them no further.
    """
    return not s.drift < _ONE_WAY
