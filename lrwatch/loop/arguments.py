"""What attach() is handed, checked by its kind: a mistake is named before the training begins."""

import numbers
import os
from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import Optimizer

from lrwatch.loop.step_rates import rate_of

_OF_A_SINK = ("write_point", "write_alert", "write_action", "close")


def check_kinds(
    *, model: Any, run_dir: Any, norm_every: Any, total_steps: Any, sinks: Any, **flags: Any
) -> None:
    """Check what no other part would name; words are no ``flags``, as ``"false"`` counts as true.

    Raises:
        TypeError: If one of them is of another kind.
    """
    for name, value in flags.items():
        if isinstance(value, str):
            raise TypeError(f"{name} must be True or False, got {value!r}")
    if not (model is None or isinstance(model, nn.Module)):
        raise TypeError(f"model must be a torch.nn.Module or None, got {type(model).__name__}")
    if not (run_dir is None or isinstance(run_dir, (str, os.PathLike, bool))):
        raise TypeError(f"run_dir must be a path, True, False or None, got {run_dir!r}")
    for name, value in (("norm_every", norm_every), ("total_steps", total_steps)):
        if not (value is None or isinstance(value, numbers.Real)):
            raise TypeError(f"{name} must be a number >= 1 or None, got {value!r}")
    if not isinstance(sinks, Iterable):
        raise TypeError(f"sinks must be a list of sinks, got {sinks!r}")
    for sink in sinks:
        missing = [name for name in _OF_A_SINK if not callable(getattr(sink, name, None))]
        if missing:
            raise TypeError(f"a sink must have {', '.join(missing)}(), got {type(sink).__name__}")


def check_backoff(optimizer: Optimizer, backoff: Any) -> None:
    """Check that there is something to act on.

    Raises:
        ValueError: If no group of the optimizer has a rate.
    """
    rates = map(rate_of, optimizer.param_groups)
    if not (backoff is False or backoff is None or any(rate == rate for rate in rates)):
        name = type(optimizer).__name__
        raise ValueError(f"backoff must have a rate to scale, but {name} has none: leave it off")


def unwrapped(optimizer: Any) -> Optimizer:
    """The optimizer that steps: Accelerate and Lightning wrap it, and so do some optimizers.

    Raises:
        TypeError: If there is none.
    """
    for name in ("optimizer", "_optimizer", "base_optimizer", "_base_optimizer", "optim"):
        inner = getattr(optimizer, name, None)
        if isinstance(inner, Optimizer):
            return unwrapped(inner)
    if isinstance(optimizer, Optimizer):
        return optimizer
    kind = type(optimizer).__name__
    raise TypeError(f"optimizer must be a torch.optim.Optimizer, got {kind}{_meant(optimizer)}")


def _meant(given: Any) -> str:
    """What to do about a thing that is often given in the place of an optimizer."""
    if isinstance(given, nn.Module):
        return ": the optimizer comes first, attach(optimizer, model)"
    if isinstance(given, type) and issubclass(given, Optimizer):
        return f": {given.__name__} is a class, make one of it first"
    if not isinstance(given, (list, tuple, dict)):
        return ""
    values = list(given.values() if isinstance(given, dict) else given)
    if values and all(isinstance(value, Optimizer) for value in values):
        return ": attach to each of several optimizers by itself"
    return ""
