"""What a framework's adapter says of the coming step to whoever watches the optimizer."""

import torch
from torch.optim import Optimizer

from lrwatch.loop import patches
from lrwatch.loop.loss.scalar import detached_scalar


def say_loss(optimizer: Optimizer, loss: torch.Tensor | float) -> None:
    """Put this in the place of what backward() told; never waits for the device.

    Unlike ``Watch.observe`` it also reaches an optimizer that ``lrwatch run`` listens to, and
    watches only from its first step on.

    Raises:
        ValueError: If ``loss`` is not one real number.
    """
    for listener in patches.listeners:
        if not listener.inert and listener.owns(optimizer):
            listener.loss.observe(detached_scalar(loss))


def say_skipped(optimizer: Optimizer) -> None:
    """Say that a framework's own loss scaling kept this step from the optimizer."""
    for listener in patches.listeners:
        if not listener.inert and listener.owns(optimizer):
            listener.skipped_by_scaler()
