"""Hears the loss of an optimizer's steps: what a search in a script that is not ours goes by."""

import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.optim import Optimizer

from lrwatch.control.slot import parameters
from lrwatch.loop.device.readback import Readback
from lrwatch.loop.loss.step_loss import StepLoss


class Ear:
    """A listener of :mod:`lrwatch.loop.patches` that keeps nothing but the loss of the coming step.

    Waits for the device at every loss, as the loss decides what follows.

    Args:
        optimizer: Held weakly.
        on_skip: Called where a GradScaler kept a step from the optimizer.
    """

    def __init__(self, optimizer: Optimizer, on_skip: Callable[[], None]) -> None:
        self._optimizer = weakref.ref(optimizer)
        self._on_skip = on_skip
        self.loss = StepLoss(Readback(wait=True), self._parameters)
        self.n_steps = 0
        self.inert = False
        self.home = threading.get_ident()

    def take(self) -> float | None:
        """The loss of this step; None where none was seen."""
        self.n_steps += 1
        self.home = threading.get_ident()
        values = [value for value in self.loss.take() if isinstance(value, float)]
        return sum(values) if values else None

    def owns(self, optimizer: Any) -> bool:
        """Whether this is its optimizer."""
        return self._optimizer() is optimizer

    def before_clip(self, parameters: Sequence[torch.Tensor], norm: torch.Tensor | None) -> None:
        """Clipping is the script's own affair."""

    def after_clip(self) -> None:
        """Clipped gradients are still those of the same loss."""
        self.loss.reach.rewritten()

    def skipped_by_scaler(self) -> None:
        """Hand it on."""
        if not self.inert:
            self._on_skip()

    def _parameters(self) -> list[torch.Tensor]:
        optimizer = self._optimizer()
        return [] if optimizer is None else list(parameters(optimizer))
