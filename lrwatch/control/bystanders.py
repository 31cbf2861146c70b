"""Weights of the model that no gradient changes, but something else: those of a mean teacher."""

import weakref
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import Parameter

from lrwatch.ranks.shards import local

_N_VALUES = 64


class Bystanders:
    """Tells the weights that follow the trained ones from those that are frozen.

    The former come back with a snapshot, the latter need no copy. Weights that need a gradient as
    it begins are another optimizer's business. What changes is found out by the norm of the first
    values of each, and not by the tensor's version, as ``p.data.mul_()`` leaves that alone.

    Args:
        params: The model's, held weakly.
    """

    def __init__(self, params: Iterable[Tensor]) -> None:
        self._still = [weakref.ref(p) for p in params if not p.requires_grad]
        self._first: dict[int, float] = {}
        self._changed: list[weakref.ref[Tensor]] = []

    @property
    def changed(self) -> list[Tensor]:
        """Those that were found to change."""
        return [p for ref in self._changed if (p := ref()) is not None]

    @torch.no_grad()
    def look(self) -> None:
        """Compare with the first look; waits for the device if any are frozen."""
        alive = [p for ref in self._still if (p := ref()) is not None]
        still = [p for p in alive if not p.requires_grad and _is_plain(p)]
        for p, value in zip(still, _norms(still), strict=True):
            if self._first.setdefault(id(p), value) != value:
                self._changed.append(weakref.ref(p))
        gone = {id(p) for p in self.changed}
        self._still = [weakref.ref(p) for p in alive if id(p) not in gone]


def _norms(params: Sequence[Tensor]) -> list[float]:
    if not params:
        return []
    norms = torch._foreach_norm([local(p).reshape(-1)[:_N_VALUES].float() for p in params])
    together: list[float] = torch.stack([norm.to(norms[0].device) for norm in norms]).tolist()
    return together


def _is_plain(p: Tensor) -> bool:
    """Whether it is neither lazy nor quantised, where values cannot be taken."""
    return type(local(p)) in (Tensor, Parameter) and p.is_floating_point()
