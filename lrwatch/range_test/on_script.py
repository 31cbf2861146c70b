"""A search within a training loop that is not ours: its steps, at our rates, from first weights."""

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from lrwatch.control.rate import RateScale
from lrwatch.control.slot import parameters
from lrwatch.control.snapshot import Snapshots
from lrwatch.loop.nesting import is_inner, may_nest
from lrwatch.range_test.averaging import averaged
from lrwatch.range_test.ear import Ear
from lrwatch.range_test.finding import LrFinding, none_found
from lrwatch.range_test.stepper import Stepper

_START = "start"
_MAX_WITHOUT_LOSS = 20


class OnScript:
    """Takes the steps of one optimizer for a search, and ends with its first weights back.

    At the start of each run weights and moments are written back. A step at which no update is to
    be made (the weights are left alone, or were just written back) finds no gradients: they are
    hidden for the length of ``step()``. The schedule stays untouched, as in a back-off.

    Args:
        optimizer: The one that is tested.
        ear: Hears its losses.
        stepper: The search.
        on_end: Told the finding; what it raises leaves ``step()``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        ear: Ear,
        stepper: Stepper,
        on_end: Callable[[LrFinding], None],
    ) -> None:
        self._may_nest = may_nest(optimizer)
        self._ear = ear
        self._stepper = stepper
        self._on_end = on_end
        self._rate = RateScale(optimizer, explicit=True)
        self._snapshots = Snapshots(optimizer, frozen=True)
        self._snapshots.save(_START, 0)
        self._hidden: list[tuple[Tensor, Tensor]] = []
        self._n_without_loss = 0

    def before_step(
        self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Take the step now, or once its closure has told the loss."""
        if self._may_nest and is_inner(optimizer):
            return None
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if not callable(closure):
            self._take(optimizer)
            return None

        def taken() -> Any:
            result = closure()
            self._take(optimizer)
            return result

        if len(args) > 1:
            return (args[0], taken, *args[2:]), kwargs
        return args, {**kwargs, "closure": taken}

    def after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Put back the scheduled rates and the hidden gradients."""
        if self._may_nest and is_inner(optimizer):
            return
        self._rate.give_back()
        while self._hidden:
            p, gradient = self._hidden.pop()
            p.grad = gradient

    def skipped(self) -> None:
        """A GradScaler left a step out: a first scale that was too high, or a loss that is gone."""
        loss = self._ear.take()
        if loss is not None and not math.isfinite(loss):
            self._observe(loss)

    def _take(self, optimizer: Optimizer) -> None:
        loss = self._ear.take()
        if self._stepper.finding is not None:
            self._on_end(self._stepper.finding)
        if loss is None:
            self._hide(optimizer)
            self._count_missing()
            return
        scheduled = self._rate.scheduled(optimizer.param_groups[0])
        if not scheduled > 0:  # the first step of a warm-up
            self._hide(optimizer)
            return
        lr = self._observe(averaged(loss))
        if lr == 0:
            self._hide(optimizer)
            return
        self._rate.scale = lr / scheduled
        self._rate.lend(optimizer)

    def _observe(self, loss: float) -> float:
        """The rate of this step, 0 where none is to be made."""
        following = self._stepper.observe(loss)
        if following == "step":
            return self._stepper.lr
        self._snapshots.load(_START)
        if self._stepper.finding is not None:
            self._on_end(self._stepper.finding)
        return 0.0

    def _hide(self, optimizer: Optimizer) -> None:
        for p in parameters(optimizer):
            if p.grad is not None:
                self._hidden.append((p, p.grad))
                p.grad = None

    def _count_missing(self) -> None:
        self._n_without_loss += 1
        if self._n_without_loss == _MAX_WITHOUT_LOSS:
            words = f"no loss was seen in {_MAX_WITHOUT_LOSS} steps: is backward() called on it?"
            self._snapshots.load(_START)
            self._on_end(none_found(words))
