"""One snapshot of a run in buffers that are allocated once and written over."""

import copy
from collections.abc import Iterator, Mapping
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
    Adam starts with fresh moments.

    Args:
        host: Keep the copies in the processor's memory (pinned, if the weights are on a GPU).
    """

    def __init__(self, *, host: bool = False) -> None:
        self._host = host
        self._moments: dict[tuple[int, str], Tensor] = {}
        self._state: dict[int, State] = {}
        self._buffers: list[Tensor] = []
        self.weights: list[Tensor] = []
        self.step = -1

    @property
    def n_bytes(self) -> int:
        """Memory that the buffers take."""
        return tensor_bytes([*self.weights, *self._buffers, *self._moments.values()])

    @torch.no_grad()
    def save(self, step: int, optimizer: Optimizer, buffers: list[Tensor]) -> None:
        """Copy what is there now; waits for the device only where ``host`` is set."""
        params = list(parameters(optimizer))
        weights, buffers = [local(p) for p in params], [local(b) for b in buffers]
        self.weights = self._fit(self.weights, weights)
        self._buffers = self._fit(self._buffers, buffers)
        sources, targets = [*weights, *buffers], [*self.weights, *self._buffers]
        self._state = {}
        for index, p in enumerate(params):
            if p in optimizer.state:
                self._state[index] = self._claim(index, optimizer.state[p], sources, targets)
        if sources:
            torch._foreach_copy_(targets, sources)
        self.step = step

    @torch.no_grad()
    def load(self, optimizer: Optimizer, buffers: list[Tensor]) -> None:
        """Write the copies back in place; parameters added since then stay as they are."""
        params = list(parameters(optimizer))
        pairs = [*zip(params, self.weights, strict=False)]
        pairs += zip(buffers, self._buffers, strict=False)
        targets, sources = [local(a) for a, _ in pairs], [b for _, b in pairs]
        for index, p in enumerate(params):
            if index not in self._state:
                optimizer.state.pop(p, None)
                continue
            now = optimizer.state[p]
            for name in [name for name in now if name not in self._state[index]]:
                del now[name]
            self._give(now, self._state[index], p, sources, targets)
        if sources:
            torch._foreach_copy_(targets, sources)

    @torch.no_grad()
    def mend(self, buffers: list[Tensor]) -> None:
        """Write buffers back that are no longer finite; waits for the device."""
        for now, then in zip(buffers, self._buffers, strict=False):
            mine = local(now)
            if mine.is_floating_point() and not bool(torch.isfinite(mine).all()):
                mine.copy_(then)

    def _fit(self, held: list[Tensor], tensors: list[Tensor]) -> list[Tensor]:
        return held if len(held) == len(tensors) else [self._like(t) for t in tensors]

    def _claim(
        self, index: int, state: State, sources: list[Tensor], targets: list[Tensor]
    ) -> State:
        kept: State = {}
        for name, value in state.items():
            if not isinstance(value, Tensor):
                kept[name] = copy.deepcopy(value)
                continue
            value = local(value)
            held = self._moments.get((index, name))
            if held is None or held.shape != value.shape or held.dtype != value.dtype:
                held = self._moments[index, name] = self._like(value)
            kept[name] = held
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
