"""What hears of the wrapped functions of torch."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from lrwatch.loop.loss.step_loss import StepLoss


class Listener(Protocol):
    """Hears of what happens between two steps of one optimizer; raises nothing.

    ``inert`` is set in a forked child; ``loss`` is told of every backward() that is not inside of
    another, and that ``home`` calls: the thread in which the optimizer stepped last. To look at a
    gradient while another thread computes it would end the process.
    """

    home: int
    loss: StepLoss
    inert: bool

    @property
    def n_steps(self) -> int:
        """Steps seen so far."""

    def before_clip(self, parameters: Sequence[torch.Tensor], norm: torch.Tensor | None) -> None:
        """Called before gradients are clipped, with their L2 norm where that was computed."""

    def after_clip(self) -> None:
        """Called when they are clipped."""

    def owns(self, optimizer: Any) -> bool:
        """Whether this is the optimizer that it listens for."""

    def skipped_by_scaler(self) -> None:
        """Called when a GradScaler's step() did not reach the optimizer."""
