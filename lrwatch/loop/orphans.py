"""Optimizers that outlive their model, as where a cell of a notebook is run again."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from torch.optim import Optimizer

from lrwatch.loop.places.outlets import warn
from lrwatch.loop.watch import Watch


def close_orphans(watches: Mapping[Optimizer, Watch]) -> None:
    """End the watches whose model is gone: each would keep its run directory from the next one.

    One that has seen no step is left alone: the training of several optimizers may be about to
    begin, whose parameters nobody else holds.
    """
    for optimizer, watch in list(watches.items()):
        if watch.n_steps and is_orphan(optimizer):
            warn("the model of an earlier watch is gone: that watch ends here")
            watch.close()


def is_orphan(optimizer: Optimizer) -> bool:
    """Whether nothing but the optimizer itself holds any of its parameters: nobody can train it.

    A scheduler, or the variable that is about to be bound anew, may still hold the optimizer.
    """
    n_params = 0
    (n_if_orphan,) = _counts([object()])
    for group in optimizer.param_groups:
        for param, n in zip(group["params"], _counts(group["params"]), strict=True):
            n_params += 1
            if n > n_if_orphan + (param in optimizer.state):
                return False
    return n_params > 0


def _counts(held: Sequence[Any]) -> list[int]:
    return [sys.getrefcount(one) for one in held]
