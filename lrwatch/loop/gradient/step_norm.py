"""The gradient norm of the coming step, before clipping, and computed once."""

import time
import weakref
from collections.abc import Callable, Sequence

import torch

from lrwatch.loop.device.readback import Readback
from lrwatch.loop.device.slot import Slot
from lrwatch.loop.gradient.drift import Drift
from lrwatch.loop.gradient.grad_norm import Cadence, Norm, grad_norm, share_of
from lrwatch.loop.sample import Value

_HALF = (torch.float16, torch.bfloat16)


class StepNorm:
    """Takes the norm from clipping where that has it, and else computes it where it is due.

    Clipping by ``torch.nn.utils`` has it when it computed an L2 norm over just the gradients of
    this optimizer, in full precision. Before any other clipping that touches these gradients
    (one group of them, more than them, by value) the norm is computed, if this step is due.
    A framework that clips with its own code is not seen: the norm is then the one after clipping.
    A backward() after the clipping makes other gradients of them, whose norm is taken anew.

    ``known`` says whether clipping told the norm, ``scale`` what that norm is still multiplied by,
    ``is_share`` whether the last one taken is only this rank's share.

    Args:
        readback: Reads scalars from their device.
        cadence: Says at which steps the norm is computed.
        parameters: Gives the optimizer's parameters of this moment.

    Attributes:
        drift: Looks at the weights at some of the steps at which a norm is taken.
    """

    def __init__(
        self,
        readback: Readback,
        cadence: Cadence,
        parameters: Callable[[], Sequence[torch.Tensor]],
    ) -> None:
        self.drift = Drift(readback)
        self._readback = readback
        self._cadence = cadence
        self._parameters = parameters
        self._value: Value = None
        self.scale: Value = None
        self.known = self.is_share = False
        self._n_reached = 0
        self._clipped: _Clipped | None = None

    def before_clip(
        self,
        clipped: Sequence[torch.Tensor],
        norm: torch.Tensor | None,
        scale: torch.Tensor | None,
        step: int,
        n_reached: int,
    ) -> None:
        """Take the norm that the gradients are about to be clipped by, or compute it.

        Args:
            clipped: The parameters whose gradients are clipped.
            norm: Their L2 norm, where it was computed.
            scale: What a GradScaler still has to divide the gradients by, or None.
            step: Number of the coming step.
            n_reached: Calls of backward() so far that reached these parameters.
        """
        self.drop_older_than(n_reached)
        if self.known:
            return
        relation = self._relation(clipped)
        if not relation.overlaps:
            return
        if norm is None or norm.dtype in _HALF or not relation.exact():
            due = self._cadence.due(step, time.perf_counter())
            self._value = self.computed(step) if due else None
        else:
            self._value = self._read(share_of(norm))
        self.scale = None if scale is None else self._readback.read(scale)
        self.known, self._n_reached = True, n_reached

    def drop_older_than(self, n_reached: int) -> None:
        """Forget what clipping told if a backward() has reached the parameters since."""
        if self.known and n_reached != self._n_reached:
            self.drop()

    def drop(self) -> None:
        """Forget what clipping told."""
        if self.known:
            self.known = False
            for value in (self._value, self.scale):
                if isinstance(value, Slot):
                    value.give_up()

    def take(self, step: int) -> Value:
        """The norm of this step, computed unless clipping told it; the next step starts anew."""
        if not self.known:
            return self.computed(step)
        if step >= self.drift.next:
            self.drift.look(step, self._parameters())
        value, self._value, self.known = self._value, None, False
        return value

    def computed(self, step: int) -> Value:
        """The norm of the gradients as they are now."""
        parameters = self._parameters()
        self.drift.look(step, parameters)
        start_s = time.perf_counter()
        value = self._read(grad_norm(parameters))
        self._cadence.took(step, start_s, time.perf_counter())
        return value

    def _read(self, norm: Norm | None) -> Value:
        self.is_share = norm is not None and norm.is_share
        return None if norm is None else self._readback.read(norm.value)

    def _relation(self, clipped: Sequence[torch.Tensor]) -> "_Clipped":
        own = self._parameters()
        if self._clipped is None or not self._clipped.is_of(own, clipped):
            self._clipped = _Clipped(own, clipped)
        return self._clipped


class _Clipped:
    """How a set of clipped parameters relates to an optimizer's own; worked out once for each."""

    def __init__(self, own: Sequence[torch.Tensor], clipped: Sequence[torch.Tensor]) -> None:
        own_ids, clipped_ids = set(map(id, own)), set(map(id, clipped))
        self._key = _ends(own) + _ends(clipped)
        self.overlaps = not own_ids.isdisjoint(clipped_ids)
        self._others = [
            weakref.ref(p) for p in (*own, *clipped) if (id(p) in own_ids) != (id(p) in clipped_ids)
        ]

    def is_of(self, own: Sequence[torch.Tensor], clipped: Sequence[torch.Tensor]) -> bool:
        """Whether it was worked out for these two, as far as length and ends tell."""
        return self._key == _ends(own) + _ends(clipped)

    def exact(self) -> bool:
        """Whether the same gradients are meant: what only one of the two holds has none."""
        others = self._others
        return not others or all((p := ref()) is None or p.grad is None for ref in others)


def _ends(params: Sequence[torch.Tensor]) -> tuple[int, int, int]:
    return (len(params), id(params[0]), id(params[-1])) if params else (0, 0, 0)
