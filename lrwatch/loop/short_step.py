"""The short way of a step: what is done at most steps of most trainings, in as little as goes."""

import math
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final, cast

from torch.optim import Optimizer

from lrwatch.loop.backoff.asking import Asking
from lrwatch.loop.compiled import interpreted
from lrwatch.loop.device.slot import Slot
from lrwatch.loop.gradient.grad_norm import Cadence
from lrwatch.loop.gradient.step_norm import StepNorm
from lrwatch.loop.guard import Guard
from lrwatch.loop.judgement.judge import Judge
from lrwatch.loop.loss import short_loss
from lrwatch.loop.sample import Sample, Value
from lrwatch.loop.step_rates import PLAIN, StepRates

_new: Final = tuple.__new__
"""Makes a named tuple without a call of Python."""


class ShortStep:
    """Hook of an optimizer: takes a step whose loss came the short way, else calls the long way.

    After a training step the processor's caches hold none of this, so that each function, object
    and line costs some microseconds the first time it is touched. Therefore all is in one function
    and in one object, and most steps only add a tuple to those that wait to be judged.

    Args:
        losses: Where the short way of a loss leads.
        judge: Judges the steps.
        cadence: Says at which steps the gradient norm is computed.
        norm: Takes it.
        rates: Takes the rates.
        guard: Told of failures.
        long_way: The hook for every other step.
        asking: Has the judged step acted upon.
        after: The hook after a step that was acted upon.
        no_norm: Called where a norm was due and is none or zero.

    Attributes:
        n_steps: Steps seen so far, by either way.
    """

    __slots__ = (
        "_after",
        "_asking",
        "_cadence",
        "_guard",
        "_judge",
        "_long_way",
        "_losses",
        "_no_norm",
        "_norm",
        "_rates",
        "_waiting",
        "n_steps",
    )

    def __init__(
        self,
        *,
        losses: list[float],
        judge: Judge,
        cadence: Cadence,
        norm: StepNorm,
        rates: StepRates,
        guard: Guard,
        long_way: Callable[..., Any],
        asking: Asking,
        after: Callable[..., None],
        no_norm: Callable[[Optimizer], None],
    ) -> None:
        self._losses = losses
        self._judge = judge
        self._waiting = judge.waiting
        self._cadence = cadence
        self._norm = norm
        self._rates = rates
        self._guard = guard
        self._long_way = long_way
        self._asking = asking
        self._after = after
        self._no_norm = no_norm
        self.n_steps = 0

    @interpreted
    def before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> Any:
        """Take the step, to be called by the optimizer; raises nothing."""
        try:
            if not self._losses or kwargs or (len(args) != 1 and args[1:] != (None,)):
                return self._long_way(optimizer, args, kwargs)
            loss, number, now_s = self._losses.pop(), self.n_steps, perf_counter()
            norm, total, groups, judge = None, loss, optimizer.param_groups, self._judge
            if now_s >= self._cadence.due_s or number >= self._cadence.due_step or self._norm.known:
                norm = self._norm_of(number, now_s)
                if norm:
                    total = loss + norm if norm <= judge.highest_norm else math.inf
                else:
                    self._no_norm(optimizer)
            rate = groups[0].get("lr")
            plain = type(rate) is float and len(groups) == 1
            rates = (rate,) if plain else self._rates_of(optimizer, number)
            self.n_steps = number + 1
            waiting, scale = self._waiting, judge.lr_scale
            waiting.append(_new(Sample, (number, now_s, loss, norm, rates, False, scale, False)))
            n = len(waiting)
            if n == 1:
                judge.due_s = now_s + judge.delay_s
            is_high = loss > judge.highest or total - total != 0.0
            if is_high or n >= judge.most or now_s >= judge.due_s:
                self._asking.settle(optimizer)
            elif scale != 1.0:
                self._asking.lend(optimizer)
        except Exception as error:
            short_loss.close()
            self._guard.failed(error)
        return None

    @interpreted
    def after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Put back what was changed for this step, to be called by the optimizer."""
        try:
            if self._asking.acted:
                self._after(optimizer, args, kwargs)
        except Exception as error:
            self._guard.failed(error)

    def _norm_of(self, number: int, now_s: float) -> float | None:
        if self._norm.known:
            return _known(self._norm.take(number))
        return _known(self._norm.computed(number)) if self._cadence.due(number, now_s) else None

    def _rates_of(self, optimizer: Optimizer, number: int) -> tuple[float, ...]:
        taken = self._rates.take(optimizer, number)
        if set(map(type, taken)) == PLAIN:
            return cast(tuple[float, ...], taken)
        rates = [_known(rate) for rate in taken]
        return tuple([float("nan") if rate is None else rate for rate in rates])


def _known(value: Value) -> float | None:
    if isinstance(value, Slot):
        value.give_up()
        return None
    return value
