"""The steps of a range test in code: forward, backward, update, at the rate that was asked for."""

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from lrwatch.control.rate import RateScale
from lrwatch.range_test.averaging import averaged
from lrwatch.range_test.batch_loss import BatchLoss
from lrwatch.range_test.feed import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class HowToStep:
    """How the user's own loop makes a step.

    Attributes:
        accumulate: Batches whose gradients are averaged for one update, >= 1.
        autocast: Type of mixed precision; None without.
        scaler: GradScaler, or None.
        max_grad_norm: Norm to which gradients are clipped; None without.
    """

    accumulate: int = 1
    autocast: torch.dtype | None = None
    scaler: Any = None
    max_grad_norm: float | None = None


class Training:
    """Makes one step at a time; waits for the device at each, as the loss decides what follows.

    Args:
        optimizer: Its rates are scaled during a step, and never changed.
        loss_of: Loss of a batch.
        feed: Gives the batches.
        how: The rest.
    """

    def __init__(
        self, optimizer: Optimizer, loss_of: BatchLoss, feed: Feed, how: HowToStep
    ) -> None:
        self._optimizer = optimizer
        self._loss_of = loss_of
        self._feed = feed
        self._how = how
        self._rate = RateScale(optimizer)
        self._base = float(optimizer.param_groups[0]["lr"])

    def loss(self) -> float:
        """Loss of the next batches, averaged over all ranks; their gradients are taken too."""
        self._optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for _ in range(self._how.accumulate):
            total += self._backward(next(self._feed))
        return averaged(total)

    def step(self, lr: float) -> None:
        """Update the weights with the gradients of the last loss; no update at a rate of 0."""
        if lr == 0:
            return
        self._rate.scale = lr / self._base
        scaler = self._how.scaler
        if self._how.max_grad_norm is not None:
            self._clip(self._how.max_grad_norm)
        if scaler is not None:
            scaler.step(self._optimizer)
            scaler.update()
        else:
            self._optimizer.step()

    def close(self) -> None:
        """Take the hooks away."""
        self._rate.close()

    def _backward(self, batch: Any) -> float:
        device, dtype = self._loss_of.device.type, self._how.autocast
        with torch.autocast(device, dtype=dtype, enabled=dtype is not None):
            loss: Tensor = self._loss_of(batch) / self._how.accumulate
        scaler = self._how.scaler
        (loss if scaler is None else scaler.scale(loss)).backward()
        return float(loss.detach())

    def _clip(self, max_norm: float) -> None:
        if self._how.scaler is not None:
            self._how.scaler.unscale_(self._optimizer)
        groups = self._optimizer.param_groups
        parameters = [p for group in groups for p in group["params"] if p.grad is not None]
        torch.nn.utils.clip_grad_norm_(parameters, max_norm)


def needs_closure(optimizer: Optimizer) -> bool:
    """Whether its step evaluates the loss several times, as that of LBFGS does."""
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty
