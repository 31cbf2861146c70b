"""One snapshot of a run in buffers that are allocated once and written over."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from lrwatch.control.copying import Pairs, copy_all, tensor_bytes
from lrwatch.control.kept import Kept, State
from lrwatch.ranks.shards import local


class Slot:
    """Weights, buffers and optimizer state of one step.

    A save costs one pass over the memory. Loading writes in place, and forgets state that the
    optimizer did not have then: from a slot of step 0 Adam starts with fresh moments. Each copy
    goes back to the very parameter that it was made of. One that came later stays as it is, with
    its moments; one whose shape is another by now stays, too, and starts with fresh moments. A
    buffer that was exchanged for another tensor stays if it is finite: it may be a mask set anew.

    Args:
        host: Keep the copies in the processor's memory (pinned, if the weights are on a GPU).
    """

    def __init__(self, *, host: bool = False) -> None:
        self._host = host
        self._kept: dict[int, Kept] = {}
        self._buffers: dict[str, Kept] = {}
        self.step = -1

    @property
    def n_bytes(self) -> int:
        """Memory that the copies take, those in lists (the history of LBFGS) included."""
        own = [(kept.weight, kept.state or {}) for kept in self._kept.values()]
        return tensor_bytes([own, [kept.weight for kept in self._buffers.values()]])

    @torch.no_grad()
    def save(
        self,
        step: int,
        optimizer: Optimizer,
        params: Sequence[Tensor],
        buffers: Mapping[str, Tensor],
    ) -> None:
        """Copy what is there now; waits for the device only where ``host`` is set.

        Args:
            step: Of now.
            optimizer: For its state.
            params: Those that are to be kept, its own or not.
            buffers: The model's.
        """
        pairs: Pairs = []
        self._kept = {id(p): self._of(p) or Kept(p, host=self._host) for p in params}
        for p in params:
            self._kept[id(p)].save(p, optimizer.state.get(p), pairs)
        copy_all(pairs)
        pairs, held, host = [], self._buffers, self._host
        named = buffers.items()
        self._buffers = {n: _same(held.get(n), b) or Kept(b, host=host) for n, b in named}
        for name, buffer in named:
            self._buffers[name].save(buffer, None, pairs)
        copy_all(pairs)
        self.step = step

    @torch.no_grad()
    def load(
        self,
        optimizer: Optimizer | None,
        params: Iterable[Tensor],
        buffers: Mapping[str, Tensor],
        *,
        exact: bool = False,
    ) -> None:
        """Write the copies back in place; no buffer keeps the weights from coming back.

        Args:
            optimizer: Its state comes back, too; None where it is gone.
            params: Where to, its own or not.
            buffers: The model's.
            exact: Bring buffers back that were exchanged since, too.
        """
        if optimizer is None:
            copy_all([(local(p), weight) for p, weight in self.pairs(params)])
        else:
            self._load_trained(optimizer, params)
        own = [
            (now, kept)
            for now, kept in self._buffer_pairs(buffers)
            if exact or kept.is_of(now) or _is_ruined(now)
        ]
        copy_all([(local(now), kept.weight) for now, kept in own])

    @torch.no_grad()
    def mend(self, buffers: Mapping[str, Tensor]) -> None:
        """Write buffers back that are no longer finite; waits for the device."""
        for now, kept in self._buffer_pairs(buffers):
            if _is_ruined(now):
                local(now).copy_(kept.weight)

    def pairs(self, params: Iterable[Tensor]) -> Pairs:
        """The parameters that still have the shape of their copies, with these."""
        known = [(p, kept) for p in params if (kept := self._of(p)) is not None]
        return [(p, kept.weight) for p, kept in known if kept.fits(p)]

    def params(self) -> list[Tensor]:
        """The parameters that it was made of and that live on."""
        return [p for kept in self._kept.values() if (p := kept.of) is not None]

    def _load_trained(self, optimizer: Optimizer, params: Iterable[Tensor]) -> None:
        pairs: Pairs = []
        states: list[tuple[Tensor, State | None]] = []
        for p in params:
            kept = self._of(p)
            if kept is not None:
                now = optimizer.state.get(p, {})
                states.append((p, kept.load(p, now, pairs) if kept.fits(p) else None))
        copy_all(pairs)
        for p, state in states:
            _become(optimizer, p, state)

    def _of(self, p: Tensor) -> Kept | None:
        return _same(self._kept.get(id(p)), p)

    def _buffer_pairs(self, buffers: Mapping[str, Tensor]) -> list[tuple[Tensor, Kept]]:
        pairs = [(buffers[n], kept) for n, kept in self._buffers.items() if n in buffers]
        return [(now, kept) for now, kept in pairs if kept.fits(now)]


def parameters(optimizer: Optimizer) -> Iterator[Tensor]:
    """All parameters of an optimizer, group by group."""
    for group in optimizer.param_groups:
        yield from group["params"]


def _same(kept: Kept | None, tensor: Tensor) -> Kept | None:
    return kept if kept is not None and kept.is_of(tensor) else None


def _is_ruined(tensor: Tensor) -> bool:
    here = local(tensor)
    return here.is_floating_point() and not bool(torch.isfinite(here).all())


def _become(optimizer: Optimizer, p: Tensor, state: State | None) -> None:
    if state is None:
        optimizer.state.pop(p, None)
        return
    now = optimizer.state[p]
    now.clear()
    now.update(state)
