"""One snapshot of a run in buffers that are allocated once and written over."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from lrwatch.control.copying import Pairs, copy_all, room_for, tensor_bytes
from lrwatch.control.kept import Kept, State
from lrwatch.ranks.shards import local


class Slot:
    """Weights, buffers and optimizer state of one step.

    A save costs one pass over the memory. Loading writes in place, and forgets state that the
    optimizer did not have then: from a slot of step 0 Adam starts with fresh moments. Each copy
    goes back to the very parameter that it was made of. One that came later stays as it is, with
    its moments; one whose shape is another by now stays, too, and starts with fresh moments.

    Args:
        host: Keep the copies in the processor's memory (pinned, if the weights are on a GPU).
    """

    def __init__(self, *, host: bool = False) -> None:
        self._host = host
        self._kept: dict[int, Kept] = {}
        self._buffers: dict[str, Tensor] = {}
        self.step = -1

    @property
    def n_bytes(self) -> int:
        """Memory that the copies take, those in lists (the history of LBFGS) included."""
        own = [(kept.weight, kept.state or {}) for kept in self._kept.values()]
        return tensor_bytes([own, self._buffers])

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
        here = {n: local(b) for n, b in buffers.items()}
        held = self._buffers
        self._buffers = {n: room_for(b, held.get(n), host=self._host) for n, b in here.items()}
        copy_all(pairs)
        copy_all([(self._buffers[n], b) for n, b in here.items()])
        self.step = step

    @torch.no_grad()
    def load(
        self, optimizer: Optimizer, params: Iterable[Tensor], buffers: Mapping[str, Tensor]
    ) -> None:
        """Write the copies back in place; no buffer keeps the weights from coming back."""
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
        copy_all([(local(now), then) for now, then in self._buffer_pairs(buffers)])

    @torch.no_grad()
    def mend(self, buffers: Mapping[str, Tensor]) -> None:
        """Write buffers back that are no longer finite; waits for the device."""
        for now, then in self._buffer_pairs(buffers):
            mine = local(now)
            if mine.is_floating_point() and not bool(torch.isfinite(mine).all()):
                mine.copy_(then)

    def pairs(self, params: Iterable[Tensor]) -> Pairs:
        """The parameters that still have the shape of their copies, with these."""
        known = [(p, kept) for p in params if (kept := self._of(p)) is not None]
        return [(p, kept.weight) for p, kept in known if kept.fits(p)]

    def _of(self, p: Tensor) -> Kept | None:
        kept = self._kept.get(id(p))
        return kept if kept is not None and kept.is_of(p) else None

    def _buffer_pairs(self, buffers: Mapping[str, Tensor]) -> Pairs:
        pairs = [(buffers[n], then) for n, then in self._buffers.items() if n in buffers]
        return [(now, then) for now, then in pairs if local(now).shape == then.shape]


def parameters(optimizer: Optimizer) -> Iterator[Tensor]:
    """All parameters of an optimizer, group by group."""
    for group in optimizer.param_groups:
        yield from group["params"]


def _become(optimizer: Optimizer, p: Tensor, state: State | None) -> None:
    if state is None:
        optimizer.state.pop(p, None)
        return
    now = optimizer.state[p]
    now.clear()
    now.update(state)
