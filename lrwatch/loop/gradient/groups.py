"""What the groups of an optimizer hold: parameters, with gradients or without."""

import weakref

import torch
from torch.optim import Optimizer


def parameters(optimizer: "weakref.ref[Optimizer]") -> list[torch.Tensor]:
    """All of them; none once the optimizer is gone."""
    alive = optimizer()
    if alive is None:
        return []
    return [param for group in alive.param_groups for param in group["params"]]


def is_maximized(optimizer: Optimizer) -> bool:
    """Whether the optimizer walks uphill."""
    return bool(optimizer.param_groups and optimizer.param_groups[0].get("maximize"))


def lack_gradients(optimizer: Optimizer) -> bool:
    """Whether no parameter has a gradient, although one should: they are not all frozen."""
    params = [param for group in optimizer.param_groups for param in group["params"]]
    return all(p.grad is None for p in params) and any(p.requires_grad for p in params)
