"""The short way of a step: what is done at most steps of most trainings, in as little as goes."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

from torch.optim import Optimizer

from lrwatch.loop import short_loss
from lrwatch.loop.compiled import interpreted
from lrwatch.loop.grad_norm import Cadence
from lrwatch.loop.guard import Guard
from lrwatch.loop.judge import MAX_BATCH, Judge
from lrwatch.loop.readback import Slot
from lrwatch.loop.sample import Sample, Value
from lrwatch.loop.step_norm import StepNorm
from lrwatch.loop.step_rates import StepRates

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

    Attributes:
        n_steps: Steps seen so far, by either way.
    """

    __slots__ = (
        "_cadence",
        "_guard",
        "_judge",
        "_long_way",
        "_losses",
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
    ) -> None:
        self._losses = losses
        self._judge = judge
        self._waiting = judge.waiting
        self._cadence = cadence
        self._norm = norm
        self._rates = rates
        self._guard = guard
        self._long_way = long_way
        self.n_steps = 0

    @interpreted
    def before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> Any:
        """Take the step, to be called by the optimizer; raises nothing."""
        try:
            if not self._losses or kwargs or (len(args) != 1 and args[1:] != (None,)):
                return self._long_way(optimizer, args, kwargs)
            loss, number, now_s = self._losses.pop(), self.n_steps, perf_counter()
            norm, total, groups = None, loss, optimizer.param_groups
            if now_s >= self._cadence.due_s or number >= self._cadence.due_step or self._norm.known:
                norm = self._norm_of(number, now_s)
                total = loss if norm is None else loss + norm
            rate = groups[0]["lr"]
            plain = type(rate) is float and len(groups) == 1
            rates = (rate,) if plain else self._rates_of(optimizer, number)
            self.n_steps = number + 1
            waiting = self._waiting
            waiting.append(_new(Sample, (number, now_s, loss, norm, rates, False, 1.0, False)))
            if len(waiting) == 1:
                self._judge.due_s = now_s + self._judge.delay_s
            if now_s >= self._judge.due_s or len(waiting) >= MAX_BATCH or total - total != 0.0:
                self._judge.judge()
        except Exception as error:
            short_loss.close()
            self._guard.failed(error)
        return None

    def _norm_of(self, number: int, now_s: float) -> float | None:
        if self._norm.known:
            return _known(self._norm.take(number))
        return _known(self._norm.computed(number)) if self._cadence.due(number, now_s) else None

    def _rates_of(self, optimizer: Optimizer, number: int) -> tuple[float, ...]:
        rates = [_known(rate) for rate in self._rates.take(optimizer, number)]
        return tuple([float("nan") if rate is None else rate for rate in rates])


def _known(value: Value) -> float | None:
    if isinstance(value, Slot):
        value.give_up()
        return None
    return value
