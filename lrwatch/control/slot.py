"""One snapshot of a run in buffers that are allocated once and written over."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from lrwatch.ranks.shards import is_spread, local

State = dict[str, Any]


def tensor_bytes(value: Any) -> int:
    """Bytes of all tensors in a nest of dicts, lists and tuples."""
    if isinstance(value, Tensor):
        return local(value).numel() * value.element_size()
    if isinstance(value, Mapping):
        return sum(map(tensor_bytes, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(tensor_bytes, value))
    return 0


class Slot:
    """Weights, buffers and optimizer state of one step.

    Tensors are copied into buffers that are kept between saves, so that a save costs one pass over
    the memory; what is no tensor (step counts, the history of LBFGS) is copied deeply. Loading
    writes in place, and forgets state that the optimizer did not have then: from a slot of step 0
    Adam starts with fresh moments. A tensor whose shape is another by now stays as it is.

    Args:
        host: Keep the copies in the processor's memory (pinned, if the weights are on a GPU).
    """

    def __init__(self, *, host: bool = False) -> None:
        self._host = host
        self._moments: dict[tuple[int, str], Tensor] = {}
        self._state: dict[int, State] = {}
        self._buffers: dict[str, Tensor] = {}
        self.weights: list[Tensor] = []
        self.step = -1

    @property
    def n_bytes(self) -> int:
        """Memory that the buffers take."""
        return tensor_bytes([self.weights, self._buffers, self._moments])

    @torch.no_grad()
    def save(self, step: int, optimizer: Optimizer, buffers: Mapping[str, Tensor]) -> None:
        """Copy what is there now; waits for the device only where ``host`` is set."""
        params = list(parameters(optimizer))
        weights, buffers = [local(p) for p in params], {n: local(b) for n, b in buffers.items()}
        held = chain(self.weights, repeat(None))
        self.weights = [self._room(own, w) for own, w in zip(held, weights, strict=False)]
        self._buffers = {n: self._room(self._buffers.get(n), b) for n, b in buffers.items()}
        sources = [*weights, *buffers.values()]
        targets = [*self.weights, *self._buffers.values()]
        self._state = {}
        for index, p in enumerate(params):
            if p in optimizer.state:
                self._state[index] = self._claim(index, optimizer.state[p], sources, targets)
        if sources:
            torch._foreach_copy_(targets, sources)
        self.step = step

    @torch.no_grad()
    def load(self, optimizer: Optimizer, buffers: Mapping[str, Tensor]) -> None:
        """Write the copies back in place; parameters added since then stay as they are."""
        params = list(parameters(optimizer))
        weights = self.pairs(params)
        pairs = [*weights.values(), *self._buffer_pairs(buffers)]
        targets, sources = [local(a) for a, _ in pairs], [b for _, b in pairs]
        for index, p in enumerate(params):
            if index not in self._state or index not in weights:
                optimizer.state.pop(p, None)
                continue
            now = optimizer.state[p]
            for name in [name for name in now if name not in self._state[index]]:
                del now[name]
            self._give(now, self._state[index], p, sources, targets)
        if sources:
            torch._foreach_copy_(targets, sources)

    @torch.no_grad()
    def mend(self, buffers: Mapping[str, Tensor]) -> None:
        """Write buffers back that are no longer finite; waits for the device."""
        for now, then in self._buffer_pairs(buffers):
            mine = local(now)
            if mine.is_floating_point() and not bool(torch.isfinite(mine).all()):
                mine.copy_(then)

    def pairs(self, params: Sequence[Tensor]) -> dict[int, tuple[Tensor, Tensor]]:
        """By their index, the parameters that still have the shape of their copies, with these."""
        all_pairs = enumerate(zip(params, self.weights, strict=False))
        return {i: (p, then) for i, (p, then) in all_pairs if local(p).shape == then.shape}

    def _buffer_pairs(self, buffers: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
        pairs = [(buffers[n], then) for n, then in self._buffers.items() if n in buffers]
        return [(now, then) for now, then in pairs if local(now).shape == then.shape]

    def _room(self, held: Tensor | None, tensor: Tensor) -> Tensor:
        """What the copy was held in before, or something new where that does not fit."""
        if held is None or held.shape != tensor.shape or held.dtype != tensor.dtype:
            return self._like(tensor)
        return held

    def _claim(
        self, index: int, state: State, sources: list[Tensor], targets: list[Tensor]
    ) -> State:
        kept: State = {}
        for name, value in state.items():
            if not isinstance(value, Tensor):
                kept[name] = copy.deepcopy(value)
                continue
            value = local(value)
            held = self._room(self._moments.get((index, name)), value)
            kept[name] = self._moments[index, name] = held
            sources.append(value)
            targets.append(held)
        return kept

    def _give(
        self, now: State, kept: State, p: Tensor, sources: list[Tensor], targets: list[Tensor]
    ) -> None:
        for name, value in kept.items():
            if not isinstance(value, Tensor):
                now[name] = copy.deepcopy(value)
                continue
            target = now.get(name)
            if not isinstance(target, Tensor) or local(target).shape != value.shape:
                target = now[name] = self._new(value, p)
            sources.append(value)
            targets.append(local(target))

    def _new(self, value: Tensor, p: Tensor) -> Tensor:
        """A tensor of the optimizer's state; spread over ranks as its weight is."""
        if is_spread(p) and local(p).shape == value.shape:
            return torch.empty_like(p, dtype=value.dtype, requires_grad=False)
        # A count such as Adam's stays on the processor, whatever the weight is on.
        return torch.empty_like(value, device=p.device if value.ndim else value.device)

    def _like(self, tensor: Tensor) -> Tensor:
        if not self._host or tensor.device.type == "cpu":
            return torch.empty_like(tensor, requires_grad=False)
        return torch.empty_like(tensor, device="cpu", pin_memory=True, requires_grad=False)


def parameters(optimizer: Optimizer) -> Iterator[Tensor]:
    """All parameters of an optimizer, group by group."""
    for group in optimizer.param_groups:
        yield from group["params"]
