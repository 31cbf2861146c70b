"""Lets a controller act at a step, and takes back what was only meant for that step."""

import logging
from collections.abc import Callable, Sequence

import torch
from torch.optim import Optimizer

from lrwatch.errors import LrwatchError
from lrwatch.loop.backoff.controller import Controller
from lrwatch.loop.backoff.undo import Undo, keeps_still
from lrwatch.loop.guard import Guard, log
from lrwatch.policy.calm import Calm
from lrwatch.records import Alert, Step


class Intervention:
    """Calls a controller, and has an update without effect that is to be skipped.

    Gradients are hidden from one of torch's optimizers; the update of any other is made, and taken
    back, at the price of a copy of weights and state for that step.

    Args:
        controller: Decides.

    Attributes:
        on_stop: Takes the error with which the controller ends the run, which is then not raised;
            no update is made from there on.
    """

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self.on_stop: Callable[[LrwatchError], None] | None = None
        self._stopped = False
        self._guard = Guard("the back-off")
        self._hidden: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._undo: Undo | None = None

    @property
    def scale(self) -> float:
        """Factor on the schedule's rate at the coming update; 1 once the controller is left out."""
        return 1.0 if self._guard.off else self.controller.scale

    @property
    def calm(self) -> Calm | None:
        """Up to where steps may be told late; None: each is to be told before its update."""
        if self._guard.off or self._stopped:
            return None
        try:
            return self.controller.calm
        except Exception as error:
            self._guard.failed(error)
            return None

    def passed(self, step: Step, rate: float) -> None:
        """Tell the controller of a step whose update was made, at this rate as scheduled."""
        if self._guard.off or self._stopped or step.skipped or step.loss is None:
            return
        try:
            self.controller.passed(
                step.step, step.loss, step.grad_norm, rate if rate == rate else 0.0
            )
        except Exception as error:
            self._guard.failed(error)

    def lend(self, optimizer: Optimizer) -> None:
        """Let the controller scale the rate of an update before which it is not asked."""
        if self._guard.off:
            return
        try:
            self.controller.lend(optimizer)
        except Exception as error:
            self._guard.failed(error)

    def hear(self, alerts: Sequence[Alert]) -> None:
        """Hand the alerts of a step on."""
        if self._guard.off:
            return
        try:
            self.controller.on_alerts(alerts)
        except Exception as error:
            self._guard.failed(error)

    def leave_loss_out(self, why: str) -> None:
        """Have the controller act on no loss from here on."""
        if self._guard.off:
            return
        try:
            self.controller.leave_loss_out(why)
        except Exception as error:
            self._guard.failed(error)

    def before(self, optimizer: Optimizer, step: Step) -> None:
        """Let the controller act before the update."""
        try:
            self._give_back()
            if self._stopped:
                self._skip(optimizer)
            if self._stopped or self._guard.off:
                return
            answer = self.controller.before_step(optimizer, step.step, step.loss, step.grad_norm)
            if answer is False:
                self._skip(optimizer)
        except LrwatchError as error:
            if self.on_stop is None:
                raise
            self._stopped = True
            self._skip(optimizer)
            self.on_stop(error)
        except Exception as error:
            self._guard.failed(error)

    def after(self, optimizer: Optimizer, step: int) -> None:
        """Let the controller put back the rates; also where it failed before the update."""
        try:
            self._take_back()
            self._give_back()
            self.controller.after_step(optimizer, step)
        except Exception as error:
            self._guard.failed(error)

    def close(self) -> None:
        """Close the controller."""
        try:
            self._give_back()
            self.controller.close()
        except Exception as error:
            self._guard.failed(error)

    def _skip(self, optimizer: Optimizer) -> None:
        if keeps_still(optimizer):
            self._hide(optimizer)
            return
        try:
            self._undo = Undo(optimizer)
        except Exception as error:  # no memory for it, or a tensor of a kind that cannot be copied
            log(logging.WARNING, "no copy for a skipped update, it gets no gradients", error=error)
            self._hide(optimizer)

    def _take_back(self) -> None:
        undo, self._undo = self._undo, None
        if undo is not None:
            undo.write_back()

    def _hide(self, optimizer: Optimizer) -> None:
        for group in optimizer.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self._hidden.append((param, param.grad))
                    param.grad = None

    def _give_back(self) -> None:
        """Put hidden gradients back, but not over newer ones: a step that raised had no end.

        Nor are weights taken back that may be newer by now.
        """
        self._undo = None
        while self._hidden:
            param, gradient = self._hidden.pop()
            if param.grad is None:
                param.grad = gradient
