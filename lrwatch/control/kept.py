"""What a snapshot keeps of one parameter, and its state in the optimizer, or of one buffer."""

import copy
import weakref
from typing import Any

import torch
from torch import Tensor

from lrwatch.control.copying import Pairs, is_plain, room_for
from lrwatch.ranks.shards import is_spread, local

State = dict[str, Any]


class Kept:
    """Belongs to the parameter that it was made of, and to no other that takes its place.

    Tensors are copied into memory that is kept between saves; what is no tensor (step counts, the
    history of LBFGS) is copied deeply.

    Args:
        p: The parameter or buffer, held weakly.
        host: Keep the copies in the processor's memory.

    Attributes:
        weight: The copy.
        state: The optimizer's, then; None where it had none.
    """

    __slots__ = ("_host", "_ref", "state", "weight")

    def __init__(self, p: Tensor, *, host: bool) -> None:
        self._ref = weakref.ref(p)
        self._host = host
        self.weight = room_for(local(p), None, host=host)
        self.state: State | None = None

    @property
    def of(self) -> Tensor | None:
        """What it was made of; None once that is gone."""
        return self._ref()

    def is_of(self, p: Tensor) -> bool:
        """Whether it was made of this very parameter."""
        return self._ref() is p

    def fits(self, p: Tensor) -> bool:
        """Whether the parameter still has the shape of its copy."""
        return self.weight.shape == local(p).shape

    def save(self, p: Tensor, state: State | None, pairs: Pairs) -> None:
        """Make room for what is there now, and ask for the copies."""
        here = local(p)
        self.weight = room_for(here, self.weight, host=self._host)
        pairs.append((self.weight, here))
        held, self.state = self.state or {}, None
        if state is not None:
            self.state = {n: self._claim(v, held.get(n), pairs) for n, v in state.items()}

    def load(self, p: Tensor, now: State, pairs: Pairs) -> State | None:
        """Ask for the copies back, and say what the optimizer's state is to be."""
        pairs.append((local(p), self.weight))
        if self.state is None:
            return None
        return {n: self._given(v, now.get(n), p, pairs) for n, v in self.state.items()}

    def _claim(self, value: Any, held: Any, pairs: Pairs) -> Any:
        if not isinstance(value, Tensor):
            return copy.deepcopy(value)
        here = local(value)
        room = room_for(here, held, host=self._host)
        pairs.append((room, here))
        return room

    def _given(self, value: Any, now: Any, p: Tensor, pairs: Pairs) -> Any:
        if not isinstance(value, Tensor):
            return copy.deepcopy(value)
        if not isinstance(now, Tensor) or local(now).shape != value.shape:
            now = _new(value, p)
        pairs.append((local(now), value))
        return now


def _new(value: Tensor, p: Tensor) -> Tensor:
    """A tensor of the optimizer's state; spread over ranks as its weight is."""
    if not is_plain(value):
        return room_for(value, None, host=False).to(p.device)
    if is_spread(p) and local(p).shape == value.shape:
        return torch.empty_like(p, dtype=value.dtype, requires_grad=False)
    # A count such as Adam's stays on the processor, whatever the weight is on.
    return torch.empty_like(value, device=p.device if value.ndim else value.device)
