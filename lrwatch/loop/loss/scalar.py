"""What a user hands over as a loss, as one number."""

import math
from typing import Any

import torch


def detached_scalar(value: Any) -> torch.Tensor | float:
    """The loss as a detached tensor of one element, or as a float where it is no tensor.

    Accepted are real numbers (int, bool, Decimal and everything else with ``__float__``, so also
    NumPy and JAX scalars) and tensors of one element of any real dtype on any device but meta.
    NaN and infinity are values. An integer too large for a float is infinite. Does not wait for
    the device.

    Raises:
        TypeError: If it is no number: None, a string, a complex value, a meta tensor.
        ValueError: If it holds not exactly one element.
    """
    if isinstance(value, torch.Tensor):
        return _checked(value)
    if value is None or isinstance(value, (str, bytes, complex)):
        raise TypeError(f"loss must be one real number, got {type(value).__name__}")
    if getattr(value, "size", 1) != 1:
        raise ValueError(f"loss must be one number, got shape {getattr(value, 'shape', None)}")
    if getattr(getattr(value, "dtype", None), "kind", "f") == "c":
        raise TypeError("loss must be real, got a complex array")
    try:
        return float(value.item() if hasattr(value, "item") else value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):
        raise TypeError(f"loss must be one real number, got {type(value).__name__}") from None


def _checked(value: torch.Tensor) -> torch.Tensor:
    if value.numel() != 1:
        raise ValueError(
            f"loss must be one number, got shape {tuple(value.shape)}: take its mean() or sum()"
        )
    if value.is_complex():
        raise TypeError(f"loss must be real, got {value.dtype}")
    if value.is_meta:
        raise TypeError("loss must be a number, got a tensor on the meta device")
    return value.detach()
