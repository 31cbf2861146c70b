"""What was seen at one optimizer step, some of it perhaps still on its way from the device."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from lrwatch.loop.device.slot import Slot
from lrwatch.records import Step

Value = float | Slot | None


class Sample(NamedTuple):
    """One optimizer step before it is judged; a tuple, as one is made at every step.

    Attributes:
        step: Number of the optimizer step.
        clock_s: Time of a steady clock, in seconds.
        loss: The loss, or None where none was seen.
        grad_norm: Norm of the gradients that this rank holds, before clipping.
        lrs: Scheduled rate of every group; NaN where there is none.
        skipped: Whether a GradScaler left the weights alone.
        lr_scale: Factor that the back-off puts on the rates.
        is_share: Whether ``grad_norm`` is only this rank's share of the norm.
    """

    step: int
    clock_s: float
    loss: float | None
    grad_norm: float | None
    lrs: tuple[float, ...]
    skipped: bool = False
    lr_scale: float = 1.0
    is_share: bool = False

    def judged(self, offset_s: float) -> Step:
        """The step as the watcher takes it: with the first group's rate as it was applied.

        Args:
            offset_s: What to add to the steady clock for seconds since the epoch.
        """
        number, clock_s, loss, norm, lrs, skipped, scale, is_share = self
        rate = lrs[0] * scale if lrs else None
        return Step(
            step=number,
            loss=loss,
            grad_norm=None if is_share else norm,
            lr=None if rate != rate else rate,
            time=clock_s + offset_s,
            skipped=skipped,
        )

    def finite(self) -> bool:
        """Whether neither loss nor norm is NaN or infinite."""
        total = (self.loss or 0.0) + (self.grad_norm or 0.0)
        return total - total == 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LateSample:
    """A step some of whose numbers are perhaps on their way; as :class:`Sample` where not said.

    Attributes:
        losses: Objectives that make up the loss, to be summed; empty where none was seen.
        grad_norm: Norm of the gradients before clipping, still multiplied by ``grad_scale``.
        grad_scale: What a fused optimizer divides its gradients by, or None.
        found_inf: Not 0 where a fused optimizer will leave the weights alone, or None.
        is_maximized: Whether the optimizer walks uphill: the loss is then minus the objective.
    """

    step: int
    clock_s: float
    losses: list[Value]
    grad_norm: Value
    lrs: tuple[Value, ...]
    grad_scale: Value
    found_inf: Value
    skipped: bool
    lr_scale: float
    is_share: bool
    is_maximized: bool = False

    def ready(self) -> bool:
        """Whether every number has arrived; never waits."""
        values = (*self.losses, self.grad_norm, self.grad_scale, self.found_inf, *self.lrs)
        return all(value.ready() for value in values if isinstance(value, Slot))

    def arrive(self) -> Sample:
        """The sample with its numbers; waits for those that are not ready. To be called once."""
        norm, scale = _number(self.grad_norm), _number(self.grad_scale)
        loss = _total([_number(value) for value in self.losses])
        rates = [_number(rate) for rate in self.lrs]
        return Sample(
            self.step,
            self.clock_s,
            -loss if self.is_maximized and loss is not None else loss,
            norm if norm is None or scale is None else _quotient(norm, scale),
            tuple([math.nan if rate is None else rate for rate in rates]),
            self.skipped or bool(_number(self.found_inf)),
            self.lr_scale,
            self.is_share,
        )


def _total(losses: list[float | None]) -> float | None:
    known = [loss for loss in losses if loss is not None]
    if len(known) < max(len(losses), 1):
        return None
    return known[0] if len(known) == 1 else sum(known)


def _quotient(norm: float, scale: float) -> float:
    return norm / scale if scale else math.nan


def _number(value: Value) -> float | None:
    return value.take() if isinstance(value, Slot) else value
