"""The watch on an optimizer holds still while its steps are no training."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch.optim import Optimizer

from lrwatch.loop import patches


@contextmanager
def paused(optimizer: Optimizer) -> Iterator[None]:
    """Steps and losses within this are not told to a watch on the optimizer."""
    watching = [listener for listener in patches.listeners if listener.owns(optimizer)]
    for listener in watching:
        patches.unlisten(listener)
        listener.inert = True
    try:
        yield
    finally:
        for listener in watching:
            listener.inert = False
            patches.listen(listener)
