"""Snapshots of a run under a memory cap, to go back to when the weights are ruined."""

import math
import weakref
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from lrwatch.control.bystanders import Bystanders
from lrwatch.control.copying import is_plain, is_writable, tensor_bytes
from lrwatch.control.slot import Slot, parameters
from lrwatch.control.surroundings import Surroundings
from lrwatch.ranks import job
from lrwatch.ranks.shards import is_spread, local, weight

Where = Literal["device", "host"]
_GIB = 2**30
# Tensors of the weight's size that an optimizer keeps once it has stepped; others: two.
_MOMENTS = {"SGD": 1, "RMSprop": 1, "Adagrad": 1, "Muon": 1}


class Snapshots:
    """Named slots that hold the run at earlier steps.

    A slot is written over when its name is saved again. ``load`` brings back weights, model buffers
    and optimizer state; with ``exact=True`` also rates, schedulers, gradient scaler and random
    generators, after which the run continues bit-identically on the same data. The position of a
    DataLoader is never restored.

    Args:
        optimizer: Held weakly. Its parameters are kept that are trained: that need a gradient, or
            have one, or state. Those added or unfrozen later are from the next save on.
        model: Held weakly. For its buffers (statistics of BatchNorm), lost without it; one that
            was expanded is left out. For its parameters that need no gradient, too, such as a
            teacher's, from the save on before which they were seen to change.
        others: Schedulers and GradScaler, for ``exact=True``.
        frozen: Keep the optimizer's other parameters, too.
        where: ``"device"``: beside the weights; ``"host"``: in the processor's memory.
        max_bytes: Cap on the memory of all slots together, > 0.

    >>> weight = nn.Parameter(torch.ones(2))
    >>> sgd = torch.optim.SGD([weight], lr=0.1)
    >>> snapshots = Snapshots(sgd)
    >>> snapshots.save("start", 0)
    >>> _ = weight.data.zero_()
    >>> snapshots.load("start")
    0
    >>> weight.tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        model: nn.Module | None = None,
        *,
        others: tuple[Any, ...] = (),
        frozen: bool = False,
        where: Where = "device",
        max_bytes: int = 4 * _GIB,
    ) -> None:
        if where not in ("device", "host"):
            raise ValueError(f'where must be "device" or "host", got {where!r}')
        if not max_bytes > 0:
            raise ValueError(f"max_bytes must be > 0, got {max_bytes}")
        self._optimizer_ref = weakref.ref(optimizer)
        self._model_ref = None if model is None else weakref.ref(model)
        self._bystanders = Bystanders([] if model is None else model.parameters())
        self._others = others
        self._frozen = frozen
        self._where = where
        self._max_bytes = max_bytes
        self._slots: dict[str, Slot] = {}
        self._surroundings: dict[str, Surroundings] = {}

    @property
    def _optimizer(self) -> Optimizer:
        optimizer = self._optimizer_ref()
        if optimizer is None:
            raise ReferenceError("the optimizer is gone, and its snapshots with it")
        return optimizer

    @property
    def steps(self) -> dict[str, int]:
        """Step of every slot by its name."""
        return {name: slot.step for name, slot in self._slots.items()}

    @property
    def n_bytes(self) -> int:
        """Memory that all slots take now."""
        return sum(slot.n_bytes for slot in self._slots.values())

    @property
    def slot_bytes(self) -> int:
        """Memory that one slot takes; before the first step the moments are estimated.

        The history of LBFGS counts as long as it may become.
        Lazy parameters take none before the first batch has told their shape.
        """
        moments = sum(tensor_bytes(dict(state)) for state in self._optimizer.state.values())
        weights = tensor_bytes(self._params())
        n_history = self._optimizer.defaults.get("history_size") or 0
        if not moments or n_history:
            count = _MOMENTS.get(type(self._optimizer).__name__, 2) + 2 * n_history
            moments = max(moments, count * weights)
        return weights + tensor_bytes(self._buffers()) + moments

    @property
    def n_slots(self) -> int:
        """Slots that fit under the cap."""
        return int(self._max_bytes // max(self.slot_bytes, 1))

    def shortage(self, wanted: int) -> str | None:
        """What does not fit under the cap and what follows, in plain words; None if all does."""
        if self.n_slots >= wanted:
            return None
        one, cap = self.slot_bytes / _GIB, self._max_bytes / _GIB
        said = f"one snapshot takes {one:.3g} GiB and memory_cap is {cap:.3g} GiB: "
        if self.n_slots == 0:
            return said + "no snapshots, so back-off can skip, lower the rate and stop, not rewind"
        return said + f"{self.n_slots} instead of {wanted} snapshots are kept"

    def save(self, name: str, step: int, *, exact: bool = False) -> None:
        """Copy the run into the slot; ``exact`` keeps the surroundings of the weights too.

        Where that fails, as for want of memory, the slot is dropped: half of it would be no run.
        """
        slot = self._slots.setdefault(name, Slot(host=self._where == "host"))
        self._bystanders.look()
        try:
            slot.save(step, self._optimizer, self._params(), self._buffers())
        except BaseException:
            del self._slots[name]
            raise
        finally:
            self._surroundings.pop(name, None)
        if exact:
            self._surroundings[name] = Surroundings(self._optimizer, self._others)

    def load(self, name: str, *, exact: bool = False, buffers: bool = True) -> int:
        """Bring a slot back and return its step; the slot stays as it is.

        Where the optimizer is gone, weights and buffers of a model that lives on come back.
        """
        if name not in self._slots:
            raise ValueError(f"no snapshot named {name!r}; there are {sorted(self._slots)}")
        if exact and name not in self._surroundings:
            raise ValueError(f"snapshot {name!r} was saved without exact=True")
        slot, optimizer = self._slots[name], self._optimizer_ref()
        own = slot.params() if optimizer is None else parameters(optimizer)
        params = [*own, *self._bystanders.changed]
        slot.load(optimizer, params, self._buffers() if buffers else {}, exact=exact)
        if exact:
            self._surroundings[name].load()
        return slot.step

    def mend_buffers(self) -> None:
        """Take back, from the latest slot, the model's buffers that are no longer finite.

        A batch with a NaN leaves one in BatchNorm's running statistics, update or not.
        """
        if self._slots:
            latest = max(self._slots.values(), key=lambda slot: slot.step)
            latest.mend(self._buffers())

    def clear(self) -> None:
        """Give all memory back."""
        self._slots.clear()
        self._surroundings.clear()

    @torch.no_grad()
    def displacement(self, name: str) -> float:
        """``||w - w_slot|| / ||w_slot||`` over all that it keeps; waits for the device.

        Infinite where the weights were all zero then, or none has its place and shape any more.
        """
        moved, size, _ = self.norms(name)
        return moved / size if size > 0 else math.inf

    @torch.no_grad()
    def norms(self, name: str) -> tuple[float, float, bool]:
        """``||w - w_slot||`` and ``||w_slot||`` of what lies on this rank; waits for the device.

        Last, whether they are only shares: the squares of all ranks' then sum up to the whole.
        """
        kept = self._slots[name].pairs(parameters(self._optimizer))
        pairs = [(p, then) for p, then in kept if is_plain(then)]
        if not pairs:
            return 0.0, 0.0, False
        is_share = any(is_spread(p) for p, _ in pairs)
        scales = [(weight(p, job.n_ranks()) or 1.0) if is_share else 1.0 for p, _ in pairs]
        now = [local(p) for p, _ in pairs]
        then = [b.to(a.device) for a, (_, b) in zip(now, pairs, strict=True)]
        moved, size = _norm(torch._foreach_sub(now, then), scales), _norm(then, scales)
        return moved, size, is_share

    def _params(self) -> list[Tensor]:
        """Those that are to be kept; without a gradient or state the optimizer changes none."""
        state, every = self._optimizer.state, self._frozen
        trained = [
            p
            for p in parameters(self._optimizer)
            if (every or p.requires_grad or p in state or p.grad is not None) and not is_lazy(p)
        ]
        own = set(map(id, trained))
        return [*trained, *(p for p in self._bystanders.changed if id(p) not in own)]

    def _buffers(self) -> dict[str, Tensor]:
        model = None if self._model_ref is None else self._model_ref()
        named = [] if model is None else model.named_buffers()
        return {name: buffer for name, buffer in named if is_writable(buffer)}


def _norm(tensors: Sequence[Tensor], scales: Sequence[float]) -> float:
    norms = torch._foreach_norm(list(tensors))
    scaled = [norm.float() * scale for norm, scale in zip(norms, scales, strict=True)]
    return float(torch.linalg.vector_norm(torch.stack(scaled)))
