"""Whether somebody else has put other weights in place since the last update."""

import weakref

import torch
from torch import Tensor
from torch.optim import Optimizer

from lrwatch.control.copying import parts
from lrwatch.control.slot import parameters
from lrwatch.ranks.shards import local

_N_PARAMS, _N_VALUES = 4, 64


class Exchanged:
    """Compares a few hundred values with those after the last update.

    The best weights of a run, or an average, are put in place where it ends; those that a trial has
    kept must not be written over them. Where other values are found before the next update, too, it
    is the training itself that writes to its weights each time (a clamp, a projection): from there
    on nothing is said to be exchanged. An average that is swapped in for a score and out again is
    the same as before.

    Args:
        optimizer: Held weakly. Once it is gone the weights that it had are looked at, where they
            live on.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = weakref.ref(optimizer)
        self._looked_at: list[weakref.ref[Tensor]] = []
        self._then: list[Tensor] | None = None
        self._is_usual = False

    def updated(self) -> None:
        """Remember the weights of now, after an update."""
        self._then = self.values()

    def before_update(self) -> None:
        """Look whether they are still the same, and forget them."""
        if self._then is not None:
            self._is_usual = self._is_usual or self.seen()
            self._then = None

    def seen(self) -> bool:
        """Whether other weights are in place than after the last update; waits for the device."""
        if self._then is None or self._is_usual:
            return False
        return differ(self._then, self.values())

    @torch.no_grad()
    def values(self) -> list[Tensor]:
        """A few hundred values of the weights, copied."""
        optimizer = self._optimizer()
        if optimizer is None:
            some = [p for ref in self._looked_at if (p := ref()) is not None]
        else:
            trained = [p for p in parameters(optimizer) if p.requires_grad]
            some = trained[:: max(1, len(trained) // _N_PARAMS)]
            self._looked_at = list(map(weakref.ref, some))
        return [_spread(parts(local(p))[0].detach().reshape(-1)).clone() for p in some]


def differ(before: list[Tensor], now: list[Tensor]) -> bool:
    """Whether as many weights have other values; waits for the device."""
    return len(now) == len(before) and not all(map(_is_same, now, before))


def _spread(flat: Tensor) -> Tensor:
    return flat[:: max(1, len(flat) // _N_VALUES)]


def _is_same(a: Tensor, b: Tensor) -> bool:
    if a.dtype != b.dtype or a.device != b.device or a.shape != b.shape:
        return False
    return bool(((a == b) | ((a != a) & (b != b))).all())
