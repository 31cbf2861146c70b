"""A factor on the learning rate that no scheduler sees: bound before a step, taken back after."""

import logging
import math
import numbers
from collections.abc import Callable
from typing import Any, NamedTuple, Self, cast

import torch
from torch.optim import Optimizer

from lrwatch.errors import let_pass
from lrwatch.switches import strict

logger = logging.getLogger("lrwatch")

_Given = tuple[tuple[Any, ...], dict[str, Any]]


class _Loan(NamedTuple):
    """One group's rate, as the schedule set it and as it was lent to the step."""

    group: dict[str, Any]
    scheduled: Any
    lent: Any


class _Arguments(tuple[Any, ...]):
    """The arguments of ``step()``, which end the loan when the frame that holds them is left.

    PyTorch runs no hook after a ``step()`` that raises; its frame is let go all the same.
    """

    def holding(self, loans: list[_Loan]) -> Self:
        """Itself, to end these loans."""
        self.__dict__["loans"] = loans
        return self

    def __del__(self) -> None:
        _end(self.__dict__.pop("loans", []))


class _Closure:
    """A closure that holds the loan: other hooks put arguments of their own in place of the tuple.

    They wrap the closure and so keep it. LBFGS reads its rate before it calls it, and calls it
    several times.
    """

    def __init__(self, closure: Callable[..., Any], loans: list[_Loan]) -> None:
        self._closure = closure
        self._guard = _Arguments().holding(loans)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._closure(*args, **kwargs)


class RateScale:
    """Make every ``optimizer.step()`` use ``scale * lr`` and leave the schedule bit-identical.

    Before the step each group's ``lr`` is bound to a new, scaled object; after it the very object
    that the scheduler had put there is bound back, also when the step raises, and before the
    optimizer is saved meanwhile. Tensor rates are never changed in place: multiplying and dividing
    drifts. At ``scale == 1.0`` nothing is touched.

    It does not reach a step that runs without hooks, such as the replay of a CUDA graph.

    Args:
        optimizer: Any optimizer of PyTorch; groups may be added later. It is not kept.
        explicit: Wait for ``lend()`` within the step, so that the scheduled rates can be read
            before, and for ``give_back()`` after it. A step with a closure is scaled from its
            beginning all the same: LBFGS reads its rate before it calls the closure.

    >>> weight = torch.nn.Parameter(torch.ones(1))
    >>> sgd = torch.optim.SGD([weight], lr=0.5)
    >>> rate = RateScale(sgd)
    >>> rate.scale = 0.5
    >>> weight.grad = torch.ones(1)
    >>> sgd.step()
    >>> weight.item(), sgd.param_groups[0]["lr"]
    (0.75, 0.5)
    """

    def __init__(self, optimizer: Optimizer, *, explicit: bool = False) -> None:
        self._explicit = explicit
        self._scale = 1.0
        self._loans: list[_Loan] = []
        self._handles = [
            optimizer.register_step_pre_hook(self._before),
            optimizer.register_state_dict_pre_hook(lambda _: self.give_back()),
        ]
        if not explicit:
            self._handles.append(optimizer.register_step_post_hook(self._after))

    @property
    def scale(self) -> float:
        """The factor in force from the next step on, > 0."""
        return self._scale

    @scale.setter
    def scale(self, value: float) -> None:
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"scale must be finite and > 0, got {value}")
        self._scale = float(value)

    def lend(self, optimizer: Optimizer) -> None:
        """Bind the scaled rates now; with other ones lent already, those of the present scale."""
        if self._loans:
            self.give_back()
        if self._scale == 1.0:
            return
        for group in optimizer.param_groups:
            if isinstance(group.get("lr"), (numbers.Real, torch.Tensor)):
                self._loans.append(_Loan(group, group["lr"], group["lr"] * self._scale))
        for loan in self._loans:
            loan.group["lr"] = loan.lent

    def give_back(self) -> None:
        """Bind the scheduled rates back."""
        _end(self._loans)
        # A list of its own for every loan: the arguments of an earlier step may live on.
        self._loans = []

    def scheduled(self, group: dict[str, Any]) -> float:
        """The rate of a group as the schedule set it, 0 where there is none; may wait."""
        lent = [loan.scheduled for loan in self._loans if loan.group is group]
        rate = lent[0] if lent else group.get("lr")
        return float(rate) if isinstance(rate, (numbers.Real, torch.Tensor)) else 0.0

    def close(self) -> None:
        """Put back what is lent and remove the hooks."""
        self.give_back()
        for handle in self._handles:
            handle.remove()

    def _before(
        self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> _Given | None:
        if self._scale == 1.0 and not self._loans:  # cheaply, as at most steps it is so
            return None
        try:
            return cast(_Given | None, self._lent(optimizer, args, kwargs))
        except Exception as error:
            self._failed(error)
            return None

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _lent(
        self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> _Given | None:
        if self._explicit and self._loans:  # this step is inside of the one that they were lent to
            return None
        if not self._explicit or len(args) > 1 or kwargs.get("closure") is not None:
            self.lend(optimizer)
        if len(args) > 1 and callable(args[1]):
            return (args[0], _Closure(args[1], self._loans), *args[2:]), kwargs
        if callable(closure := kwargs.get("closure")):
            return args, {**kwargs, "closure": _Closure(closure, self._loans)}
        return _Arguments(args).holding(self._loans), kwargs

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _after(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            self.give_back()
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        """Let go of the rate for good: a factor that cannot be lent must not end a training."""
        if strict():
            raise error
        let_pass(error)
        loans, self._loans, self._scale = self._loans, [], 1.0
        _end(loans)
        try:
            logger.error("the rate could not be scaled and is left alone", exc_info=error)
        except Exception as raised:  # by a logging handler of the user's
            let_pass(raised)


def _end(loans: list[_Loan]) -> None:
    """Bind the scheduled objects back, except where someone has set another rate meanwhile."""
    for loan in loans:
        if loan.group["lr"] is loan.lent:
            loan.group["lr"] = loan.scheduled
    loans.clear()
