"""What a GradScaler has multiplied the gradients by, and whether it leaves a step out."""

from typing import Any

import torch
from torch.amp.grad_scaler import GradScaler

from lrwatch.loop.device.readback import Readback
from lrwatch.loop.sample import Value


def scale_left(scaler: GradScaler | None, optimizer: Any) -> torch.Tensor | None:
    """The scale that the gradients still carry; None where the scaler has divided by it."""
    if scaler is None:
        return None
    state = scaler._per_optimizer_states.get(id(optimizer))
    if state is not None and state["stage"].name != "READY":
        return None
    return scaler._get_scale_async()


def fused_scale(optimizer: Any, readback: Readback) -> Value:
    """What a fused optimizer divides its gradients by; None where that is nothing."""
    scale = optimizer.__dict__.get("grad_scale")
    return None if scale is None else readback.read(scale)


def found_inf(optimizer: Any, readback: Readback) -> Value:
    """Not 0 where a fused optimizer is told to leave the weights alone; None where it is not."""
    found = optimizer.__dict__.get("found_inf")
    return None if found is None else readback.read(found)
