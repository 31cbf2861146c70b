"""The number that a backward() differentiates: the loss, before a GradScaler scaled it."""

import weakref
from typing import Any

import torch
from torch.amp.grad_scaler import GradScaler

from lrwatch.loop.guard import Guard

_UNSCALED = "_lrwatch_unscaled"

_guard = Guard("reading the loss from backward()")
_scaled_by: weakref.ref[GradScaler] | None = None
_n_scaled = 0


def was_scaled(scaler: GradScaler, outputs: Any, scaled: Any) -> None:
    """Remember what a GradScaler was given, so that the loss is known without a division."""
    global _scaled_by, _n_scaled
    try:
        if scaled is outputs:
            return
        _scaled_by = weakref.ref(scaler)
        _n_scaled += 1
        pairs = zip(outputs, scaled, strict=True) if isinstance(scaled, (list, tuple)) else ()
        for before, after in [(outputs, scaled), *pairs]:
            if isinstance(after, torch.Tensor):
                setattr(after, _UNSCALED, before.detach())
    except Exception as error:
        _guard.failed(error)


def of(roots: Any, gradients: Any) -> tuple[torch.Tensor | None, GradScaler | None]:
    """The scalar whose gradient ``backward(roots, gradients)`` adds, and the scaler of the latter.

    For a root with more than one element, or with a gradient given, it is ``(root * gradient)``
    summed; several roots are summed. A scaled root counts as it was before ``scaler.scale``; one
    that was made from scaled values is divided by the scale. None where there is no value: a
    GradientEdge, a complex or a sharded root. Does not wait for the device.
    """
    if gradients is None and _scaled_by is None and type(roots) is torch.Tensor:
        return roots, None  # torch has made sure that it is one real number
    try:
        if isinstance(roots, torch.Tensor):
            weight = gradients[0] if isinstance(gradients, (tuple, list)) else gradients
            return _one(roots, weight)
        return _several(roots, gradients)
    except Exception as error:
        _guard.failed(error)
        return None, None


def _several(roots: Any, gradients: Any) -> tuple[torch.Tensor | None, GradScaler | None]:
    weights = [None] * len(roots) if gradients is None else gradients
    found = [_one(root, weight) for root, weight in zip(roots, weights, strict=True)]
    values = [value.reshape(()) for value, _ in found if value is not None]
    scaler = next((scaler for _, scaler in found if scaler is not None), None)
    return (torch.stack(values).sum() if values else None), scaler


def _one(root: Any, gradient: Any) -> tuple[torch.Tensor | None, GradScaler | None]:
    if not isinstance(root, torch.Tensor) or root.is_complex():
        return None, None
    value, scaler = (root.detach(), None) if _scaled_by is None else _unscaled(root)
    whole = _whole(value)
    if gradient is None:
        return (whole if whole is not None and whole.numel() == 1 else None), scaler
    weight = _whole(gradient.detach())
    return (None if whole is None or weight is None else (whole * weight).sum()), scaler


def _unscaled(root: torch.Tensor) -> tuple[torch.Tensor, GradScaler | None]:
    global _n_scaled
    scaler = _scaled_by() if _scaled_by is not None else None
    before: torch.Tensor | None = getattr(root, _UNSCALED, None)
    if before is not None:
        _n_scaled = max(0, _n_scaled - 1)
        return before, scaler
    scale = scaler._get_scale_async() if scaler is not None and _n_scaled else None
    _n_scaled = 0
    if scale is None:
        return root.detach(), None
    return root.detach() / scale.to(root.device), scaler


def _whole(value: torch.Tensor) -> torch.Tensor | None:
    """The local copy of a tensor that is whole on every rank; None for a sharded one."""
    placements = getattr(value, "placements", None)
    if placements is None:
        return value
    if not all(placement.is_replicate() for placement in placements):
        return None
    local: torch.Tensor = value.to_local()  # type: ignore[attr-defined]
    return local
