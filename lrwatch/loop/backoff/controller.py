"""What the loop asks of a back-off: the one narrow door through which training is changed."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from torch.optim import Optimizer

from lrwatch.policy.calm import Calm
from lrwatch.records import Alert


class Controller(Protocol):
    """Acts on an optimizer between the judgement of a step and its update.

    At every ``optimizer.step()`` the loop calls, in this order and on the training thread:
    ``on_alerts`` (only where this step raised some, after they were written), ``before_step``,
    the optimizer's own update, ``after_step``. With a controller every step is judged before its
    update: loss and gradient norm are plain floats here, at the price of waiting for the device.
    Only where the controller says that it is ``calm``, steps are put off: they go to ``passed``
    instead, some at a time, with ``lend`` before their update where ``scale`` is not 1.

    An update that the gradient scaler of mixed precision skips reaches no method. An exception of
    class :class:`lrwatch.errors.LrwatchError` passes into the training loop (that is how a
    controller stops a run); any other is logged, and after three the controller is left out.
    """

    @property
    def scale(self) -> float:
        """Factor on the schedule's rate at the coming update, in (0, 1]."""
        ...

    @property
    def calm(self) -> Calm | None:
        """Bounds up to which the coming steps may be told late, to ``passed``; None: none may."""
        ...

    def passed(self, step: int, loss: float, grad_norm: float | None, rate: float) -> None:
        """Take note of a step within those bounds, whose update was made; ``rate`` as scheduled."""
        ...

    def lend(self, optimizer: Optimizer) -> None:
        """Bind the scaled rates; in place of ``before_step`` where that is put off."""
        ...

    def before_step(
        self, optimizer: Optimizer, step: int, loss: float | None, grad_norm: float | None
    ) -> bool | None:
        """Bind the scaled rates; rewind if that is due; return False to skip this update.

        For a skipped update the loop hides every gradient (``p.grad = None``) from the optimizer
        and gives them back after it: nothing is multiplied, so no NaN can leak. An optimizer that
        is none of torch's makes the update, which is taken back. ``after_step`` follows all the
        same. With a closure the gradients are those of its first evaluation, and the method is
        called right after that one.

        Args:
            optimizer: The optimizer whose ``step()`` runs; its rates are the schedule's own.
            step: Number of this optimizer step, as in :class:`lrwatch.records.Step`.
            loss: Unscaled loss of this step; None where none was seen.
            grad_norm: Norm of the unscaled gradients before clipping; None where unknown.
        """
        ...

    def after_step(self, optimizer: Optimizer, step: int) -> None:
        """Bind the schedule's own rates back."""
        ...

    def on_alerts(self, alerts: Sequence[Alert]) -> None:
        """Take note of the alerts that this step raised, or closed."""
        ...

    def leave_loss_out(self, why: str) -> None:
        """Act on nothing but values that are not finite from here on; the rate is given back."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Scale, budget and cooldowns, as JSON can hold them."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on as the controller went on whose state this is."""
        ...

    def disarm(self) -> None:
        """Give the rate back to the schedule and never act again in this run."""
        ...

    def close(self) -> None:
        """Give back what was taken: rates, buffers, files."""
        ...
