"""What goes with a rate: another batch size, a warm-up, a decay; each with its source."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # `lrwatch find` gives advice without loading torch
    from torch.optim import Optimizer

_LINEAR = ("SGD", "ASGD")
_ROOT = ("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "SparseAdam", "RMSprop", "Adafactor", "LAMB")
_MAX_FACTOR = 32.0


def rescale_lr(
    lr: float, *, batch_size: int, new_batch_size: int, optimizer: "Optimizer | str"
) -> float:
    """The rate for another batch size, at the same number of epochs.

    With ``k = new_batch_size / batch_size`` it is ``lr * k`` for SGD, with momentum or without, and
    ``lr * sqrt(k)`` for Adam, RMSprop and their kin: an epoch of SGD then moves the weights as far
    as before, and an epoch of adaptive steps has the noise that it had. The rule for these is
    complete where the averages go along: ``1 - beta`` times k, and ``eps`` over ``sqrt(k)``.

    Both rules end where the batch is so large that its noise no longer matters (McCandlish et al.,
    "An empirical model of large-batch training", 2018); beyond that no rate makes up for it.

    Args:
        lr: Rate that fits ``batch_size``, > 0.
        batch_size: Samples per update over all ranks and accumulated batches, >= 1.
        new_batch_size: The other one, >= 1.
        optimizer: The optimizer, or the name of its class in any case: ``"adamw"``.

    Raises:
        ValueError: If a number is out of its range, or no rule is known for the optimizer.

    Reference:
        P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017, for the
        linear rule; S. Malladi et al., "On the SDEs and scaling rules for adaptive gradient
        algorithms", 2022, for the square root.

    >>> rescale_lr(0.1, batch_size=256, new_batch_size=1024, optimizer="SGD")
    0.4
    >>> rescale_lr(0.001, batch_size=256, new_batch_size=1024, optimizer="AdamW")
    0.002
    """
    if not (math.isfinite(lr) and lr > 0):
        raise ValueError(f"lr must be finite and > 0, got {lr}")
    for name, size in (("batch_size", batch_size), ("new_batch_size", new_batch_size)):
        if size < 1:
            raise ValueError(f"{name} must be >= 1, got {size}")
    factor = new_batch_size / batch_size
    return lr * (factor if _is_linear(optimizer) else math.sqrt(factor))


def warmup_steps(optimizer: "Optimizer", *, steps_per_epoch: int | None = None) -> int:
    """Steps over which the rate should rise linearly to its peak.

    For Adam, RMSprop and their kin ``2 / (1 - beta2)``, so that the average of squared gradients is
    settled before the rate is. For SGD 0; with ``steps_per_epoch``, as said of a rate that was
    scaled up for a large batch, five epochs.

    Args:
        optimizer: Its second average is read from its first group.
        steps_per_epoch: Updates in an epoch, >= 1.

    Raises:
        TypeError: If ``optimizer`` is none.
        ValueError: If no rule is known for it, or ``steps_per_epoch`` is below 1.

    Reference:
        J. Ma, D. Yarats, "On the adequacy of untuned warmup for adaptive optimization", 2021 (for
        Adam; RMSprop by the same argument); P. Goyal et al., 2017, section 2.2 (five epochs).

    >>> import torch
    >>> warmup_steps(torch.optim.Adam([torch.zeros(1, requires_grad=True)]))
    2000
    """
    if isinstance(optimizer, str) or not hasattr(optimizer, "param_groups"):
        raise TypeError(f"optimizer must be a torch.optim.Optimizer, got {optimizer!r:.100}")
    if steps_per_epoch is not None and steps_per_epoch < 1:
        raise ValueError(f"steps_per_epoch must be >= 1, got {steps_per_epoch}")
    if _is_linear(optimizer):
        return 0 if steps_per_epoch is None else 5 * steps_per_epoch
    return round(2 / (1 - _second_average(optimizer.param_groups[0])))


def advice(optimizer: "Optimizer") -> tuple[str, ...]:
    """What to do with a rate that was found for this optimizer, in lines."""
    lines = []
    try:
        n = warmup_steps(optimizer)
    except ValueError:
        n = 0
    if n:
        lines.append(f"warm-up: linear over {n} steps, 2 / (1 - beta2) (Ma and Yarats, 2021)")
    lines.append(
        "decay: linear to zero over the rest of the run (Defazio et al., 2023); "
        "the peak may then be twice the constant rate"
    )
    return tuple(lines)


def batch_size_line(lr: float, optimizer: str, batch_size: int, new_batch_size: int) -> str:
    """The advice on another batch size, in a line."""
    try:
        found = rescale_lr(
            lr, batch_size=batch_size, new_batch_size=new_batch_size, optimizer=optimizer
        )
    except ValueError as error:
        return f"batch size {new_batch_size}: {error}"
    rule = "linear rule (Goyal et al., 2017)" if _is_linear(optimizer) else "square-root rule"
    source = "" if _is_linear(optimizer) else " (Malladi et al., 2022)"
    factor = max(new_batch_size / batch_size, batch_size / new_batch_size)
    doubt = "; far from what was measured, look again there" if factor > _MAX_FACTOR else ""
    return f"batch size {new_batch_size}: rate {found:.2g}, by the {rule}{source}{doubt}"


def _is_linear(optimizer: "Optimizer | str") -> bool:
    name = optimizer if isinstance(optimizer, str) else type(optimizer).__name__
    if name.lower() in map(str.lower, _LINEAR):
        return True
    if name.lower() in map(str.lower, _ROOT):
        return False
    known = ", ".join((*_LINEAR, *_ROOT))
    raise ValueError(f"no rule with a source is known for {name}; there is one for {known}")


def _second_average(group: Mapping[str, Any]) -> float:
    if "betas" in group:
        return float(group["betas"][1])
    if "alpha" in group:
        return float(group["alpha"])
    raise ValueError("the optimizer has no average of squared gradients")
