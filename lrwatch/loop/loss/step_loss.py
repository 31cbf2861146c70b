"""The loss of the coming step: what the gradients that lie there are the gradient of."""

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.amp.grad_scaler import GradScaler

from lrwatch.loop.device.readback import Readback
from lrwatch.loop.device.slot import Slot
from lrwatch.loop.guard import Guard
from lrwatch.loop.loss import objective, short_loss
from lrwatch.loop.loss.reach import Mark, Reach
from lrwatch.loop.loss.rivals import Rival
from lrwatch.loop.loss.scalar import detached_scalar
from lrwatch.loop.sample import Value
from lrwatch.ranks.shards import is_spread

_MAX_VALUES = 32
_N_REGULAR = 8


class StepLoss:
    """Sums the objectives of the backward() calls that belong to one optimizer's next step.

    Those are the calls that put gradients into its parameters since its last step, or since the
    gradients were set to zero, whichever was later. With several optimizers each thus gets its
    own. Where no call reached the parameters (a framework copies gradients into them), all calls
    since the last step count. Where the parameters are shards, so do calls that reached nobody's:
    FSDP without gradient synchronisation keeps the gradients elsewhere until the last micro-batch.
    A loss that was observed by hand comes before all of these; the last one counts. What a closure
    returns is the loss where none of these is there: it estimates gradients in another way.

    A step that is made within a backward(), by a hook of a parameter, has the loss of that call.

    In most trainings every step has one backward(), whose loss is that of the step whatever it
    reached. After eight such steps ``is_regular`` is true, and losses may go the short way, into
    ``short``, until one of them does not. That gradients were None before each of the eight tells
    what a second backward() finds later: where a gradient lies, the first has reached it.

    ``scaler`` is the GradScaler of the last call that reached the parameters, if it had one, and
    ``n_reached`` how many did so, those aside that went the short way. ``running`` is what the call
    that runs now was made with: roots and gradients.

    Args:
        readback: Reads scalars from their device.
        parameters: Gives the optimizer's parameters of this moment.
    """

    def __init__(
        self, readback: Readback, parameters: Callable[[], Iterable[torch.Tensor]]
    ) -> None:
        self.reach, self.rival = Reach(parameters), Rival()
        self.scaler: GradScaler | None = None
        self.n_reached = 0
        self.running: tuple[Any, Any] | None = None
        self._is_told = False
        self._readback = readback
        self._guard = Guard("taking the loss")
        self._values: list[Value] = []
        self._stray: list[Value] = []
        self._unclaimed: list[Value] = []
        self._are_shards: bool | None = None
        self._parameters = parameters
        self._observed: list[Value] = []
        self.short: list[float] = []
        self._goes_short = False
        self._n_calls = 0
        self._n_regular = 0
        self._began_clear = False

    @property
    def is_frozen(self) -> bool:
        """Whether no parameter takes gradients now, of those that were reached before."""
        return self.reach.frozen()

    @property
    def is_regular(self) -> bool:
        """Whether each of the last steps had one backward(), from a number on the CPU."""
        return self._n_regular >= _N_REGULAR

    def go_short(self) -> None:
        """Send the losses of this thread the short way; the caller sees to it that all are ours."""
        if self._holds_shards():
            return
        self._goes_short = True
        short_loss.open_to(self.short)

    def before_backward(self) -> Mark | None:
        """Look at the gradients before a backward() changes them; raises nothing."""
        if self._guard.off:
            return None
        try:
            self.come_back()
            if self._values and self.reach.cleared():
                _give_up(self._values)
                self.rival.thrown_away()
            mark = self.reach.before()
            if not self._n_calls:
                self._began_clear = all(state is None for _, _, state in mark)
            self._n_calls += 1
            return mark
        except Exception as error:
            self._guard.failed(error)
            return None

    def after_backward(
        self, mark: Mark | None, loss: torch.Tensor | None, scaler: GradScaler | None
    ) -> bool:
        """Take the objective of a backward(), and say whether it is ours; raises nothing."""
        if mark is None:
            return False
        try:
            is_told, self._is_told = self._is_told, False
            if is_told:
                return True
            reached = self.reach.after(mark)
            if reached:
                self.scaler = scaler
                self.n_reached += 1
            self._keep(self._values if reached else self._stray, loss)
        except Exception as error:
            self._guard.failed(error)
            return False
        return reached

    def nobodys(self) -> None:
        """The last backward() reached no watched optimizer; raises nothing."""
        try:
            if self._holds_shards() and self._stray:
                self._unclaimed.append(self._stray.pop())
                if len(self._unclaimed) > _MAX_VALUES:
                    _fold(self._unclaimed)
        except Exception as error:
            self._guard.failed(error)

    def _holds_shards(self) -> bool:
        if self._are_shards is None:
            self._are_shards = any(map(is_spread, self._parameters()))
        return self._are_shards

    def _keep(self, values: list[Value], loss: torch.Tensor | None) -> None:
        values.append(None if loss is None else self._readback.read(loss))
        if len(values) > _MAX_VALUES:
            _fold(values)

    def observe(self, loss: torch.Tensor | float) -> None:
        """Take a loss that was said by hand."""
        if self._goes_short:
            self._goes_short = False
            short_loss.close()
            self.short.clear()
        _give_up(self._observed)
        self._observed.append(loss if isinstance(loss, float) else self._readback.read(loss))

    def returned(self, loss: Any) -> None:
        """Take what a closure returned, where nothing was heard of a backward() in it."""
        if self._values or self._stray or self._unclaimed or self._observed:
            return
        with contextlib.suppress(TypeError, ValueError):  # then it is no loss
            self.observe(detached_scalar(loss))

    def take(self) -> list[Value]:
        """The objectives to be summed for this step; the next step starts anew."""
        self.come_back()
        is_regular = self._n_calls == 1 and self._began_clear and self.scaler is None
        found, self._values, self._n_calls = self._values, [], 0
        if found:
            self.rival.stepped()
        if is_regular and not self._observed and len(found) == 1 and type(found[0]) is float:
            self._n_regular += 1
            return found
        self._n_regular = 0
        if self._unclaimed:
            found, self._unclaimed = self._unclaimed + found, []
        if self._observed:
            _give_up(found)
            found, self._observed = self._observed, []
        if self._stray:
            if found:
                _give_up(self._stray)
            else:
                found, self._stray = self._stray, []
        if self.running is not None and not found:
            loss, _ = objective.of(*self.running)
            self._is_told = True
            self._keep(found, loss)
        return found

    def come_back(self) -> None:
        """Send the losses the long way again; take the one whose backward() was not looked at."""
        if not self._goes_short:
            return
        self._goes_short = False
        short_loss.close()
        if self.short:
            self._n_calls += 1
            if self.reach.present():
                self._values += self.short
                self.reach.rewritten()
            else:
                self._stray += self.short
            self.short.clear()

    def drop(self) -> None:
        """Forget what was told of this step."""
        _give_up(self.take())


def _give_up(values: list[Value]) -> None:
    for value in values:
        if isinstance(value, Slot):
            value.give_up()
    values.clear()


def _fold(values: list[Value]) -> None:
    """Replace the numbers that have arrived, at the head, by their sum: memory stays constant."""
    total: float | None = 0.0
    n_done = 0
    for value in values:
        if isinstance(value, Slot) and not value.ready():
            break
        number = value.take() if isinstance(value, Slot) else value
        total = None if total is None or number is None else total + number
        n_done += 1
    if n_done:
        values[:n_done] = [total]
