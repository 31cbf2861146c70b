"""What was seen at one optimizer step, some of it perhaps still on its way from the device."""

from dataclasses import dataclass

from lrwatch.loop.readback import Slot
from lrwatch.records import Step

Value = float | Slot | None


@dataclass(slots=True)
class Sample:
    """One optimizer step before it is judged.

    Attributes:
        step: Number of the optimizer step.
        clock_s: Time of a steady clock, in seconds.
        losses: Objectives that make up the loss, to be summed; empty where none was seen.
        grad_norm: Norm of the gradients before clipping, still multiplied by ``grad_scale``.
        lrs: Scheduled rate of every group.
        grad_scale: What a fused optimizer divides its gradients by, or None.
        found_inf: Not 0 where a fused optimizer will leave the weights alone, or None.
        skipped: Whether a GradScaler left the weights alone.
        lr_scale: Factor that the back-off puts on the rates.
        late: Whether a number may be on its way.
        is_share: Whether ``grad_norm`` is only this rank's share of the norm.
    """

    step: int
    clock_s: float
    losses: list[Value]
    grad_norm: Value
    lrs: tuple[Value, ...]
    grad_scale: Value = None
    found_inf: Value = None
    skipped: bool = False
    lr_scale: float = 1.0
    late: bool = False
    is_share: bool = False

    def ready(self) -> bool:
        """Whether every number has arrived; never waits."""
        if not self.late:
            return True
        values = (*self.losses, self.grad_norm, self.grad_scale, self.found_inf, *self.lrs)
        return all(value.ready() for value in values if isinstance(value, Slot))

    def arrive(self) -> None:
        """Turn every slot into its number; waits for those that are not ready."""
        if self.late:
            self.losses = [_number(value) for value in self.losses]
            self.grad_norm = _number(self.grad_norm)
            self.grad_scale = _number(self.grad_scale)
            self.found_inf = _number(self.found_inf)
            self.lrs = tuple(map(_number, self.lrs))
            self.late = False

    def judged(self, offset_s: float) -> Step:
        """The step as the watcher takes it; a sample that is late has to arrive first.

        Args:
            offset_s: What to add to the steady clock for seconds since the epoch.
        """
        norm = None if self.is_share or self.grad_norm is None else self.own_norm()
        losses = self.losses
        return Step(
            step=self.step,
            loss=losses[0] if len(losses) == 1 else _total(losses),  # type: ignore[arg-type]
            grad_norm=norm,
            lr=self.lrs[0] if self.lrs else None,  # type: ignore[arg-type]
            time=self.clock_s + offset_s,
            skipped=self.skipped or bool(self.found_inf),
        )

    def own_norm(self) -> float:
        """Norm of the gradients that this rank holds, unscaled; there has to be one."""
        norm: float = self.grad_norm  # type: ignore[assignment]
        return norm if self.grad_scale is None else norm / self.grad_scale  # type: ignore[operator]

    def finite(self) -> bool:
        """Whether nothing is NaN or infinite, of what is known without waiting."""
        if self.late:
            return True
        total: float = self.grad_norm or 0.0  # type: ignore[assignment]
        for value in self.losses:
            if value is not None:
                total += value  # type: ignore[operator]
        return total - total == 0.0


def _total(losses: list[Value]) -> float | None:
    return None if not losses or None in losses else sum(losses)  # type: ignore[arg-type]


def _number(value: Value) -> float | None:
    return value.take() if isinstance(value, Slot) else value
