"""Which backward() reached an optimizer: the one that changed the gradients of its parameters."""

import weakref
from collections.abc import Callable, Iterable

import torch

State = tuple[int, int] | None
Mark = list[tuple["weakref.ref[torch.Tensor]", torch.Tensor, State]]

_MAX_PROBES = 4
_N_FIRST_SCANS = 4
_N_SCANS_AFTER_MISS = 8
_MAX_CONFIRMED_MISSES = 16


class Reach:
    """Tells whether a backward() put gradients into an optimizer's parameters.

    A gradient is a new tensor, or one with a raised version counter, after a backward() that
    reached its parameter. Looking at every parameter each time would cost too much, so a few
    probes are looked at: parameters that were reached before. Every parameter is looked at in the
    first backward() calls and for a while after a call that reached no probe, until such calls
    were found right 16 times over (a GAN's other half). Where none was reached by then, as while
    another model is trained first, some parameters spread over all of them are looked at.

    The same states say whether the gradients were set to zero since (the objective starts anew):
    a gradient that is gone, replaced or written to between two backward() calls.

    Not seen: gradients that are put into ``p.grad`` by hand, and those that FSDP keeps elsewhere
    until the last micro-batch (which
    :class:`lrwatch.loop.loss.step_loss.StepLoss` adds all the same).

    Args:
        parameters: Gives the optimizer's parameters of this moment; nothing is kept but weakly.
    """

    __slots__ = ("_confirmed", "_guesses", "_last", "_parameters", "_probes", "_scans_left")

    def __init__(self, parameters: Callable[[], Iterable[torch.Tensor]]) -> None:
        self._parameters = parameters
        self._probes: list[weakref.ref[torch.Tensor]] = []
        self._guesses: list[weakref.ref[torch.Tensor]] = []
        self._last: tuple[weakref.ref[torch.Tensor], State] | None = None
        self._scans_left = _N_FIRST_SCANS
        self._confirmed = 0

    def before(self) -> Mark:
        """Look at the gradients; to be called just before a backward()."""
        if self._scans_left:
            return [(weakref.ref(p), p, _state(p)) for p in self._parameters() if p.requires_grad]
        mark: Mark = []
        for probe in self._probes or self._guesses:
            param = probe()
            if param is not None:
                gradient = param.grad
                state = None if gradient is None else (id(gradient), gradient._version)
                mark.append((probe, param, state))
        return mark

    def after(self, mark: Mark) -> bool:
        """Whether the backward() since ``before`` reached this optimizer."""
        for probe, param, state in mark:
            gradient = param.grad
            now = None if gradient is None else (id(gradient), gradient._version)
            if now != state:
                self._last = (probe, now)
                if self._scans_left or not self._probes:
                    self._found(probe)
                return True
        self._missed()
        return False

    def cleared(self) -> bool:
        """Whether the gradients were set to zero since the last backward() that reached."""
        if self._last is None:
            return False
        param = self._last[0]()
        return param is None or _state(param) != self._last[1]

    def frozen(self) -> bool:
        """Whether none of the parameters that were reached before takes gradients now."""
        params = [param for probe in self._probes if (param := probe()) is not None]
        return bool(params) and not any(param.requires_grad for param in params)

    def present(self) -> bool:
        """Whether a gradient lies where the last backward() that reached left one."""
        param = None if self._last is None else self._last[0]()
        return param is not None and param.grad is not None

    def rewritten(self) -> None:
        """Take the gradients as they are: they were clipped, which is no setting to zero."""
        if self._last is not None and (param := self._last[0]()) is not None:
            self._last = (self._last[0], _state(param))

    def _found(self, hit: "weakref.ref[torch.Tensor]") -> None:
        self._scans_left = max(0, self._scans_left - 1)
        others = [ref for ref in self._probes if ref is not hit]
        self._probes = [hit, *others][:_MAX_PROBES]

    def _missed(self) -> None:
        if self._scans_left:
            self._scans_left -= 1
            self._confirmed += 1
            if not self._scans_left and not self._probes:
                self._guess()
        elif self._confirmed < _MAX_CONFIRMED_MISSES:
            self._scans_left = _N_SCANS_AFTER_MISS

    def _guess(self) -> None:
        every = list(self._parameters())
        every = [p for p in every if p.requires_grad] or every
        n_apart = max(1, len(every) // _MAX_PROBES)
        self._guesses = [weakref.ref(p) for p in every[::-n_apart][:_MAX_PROBES]]


def _state(param: torch.Tensor) -> State:
    gradient = param.grad
    return None if gradient is None else (id(gradient), gradient._version)
