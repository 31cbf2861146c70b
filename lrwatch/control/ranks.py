"""The same numbers on every rank, so that every rank takes the same action at the same step."""

import torch
from torch import distributed


def agreed(
    loss: float | None, grad_norm: float | None, disarm: bool
) -> tuple[float | None, float | None, bool]:
    """Average over the ranks that know a number; a NaN of one is a NaN of all.

    One reduction of five numbers at each step, which every rank must join; nothing at all where
    there is one rank only. Waits for the slowest rank, as the reduction of the gradients has.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return loss, grad_norm, disarm
    if distributed.get_world_size() == 1:
        return loss, grad_norm, disarm
    known = [float(loss is not None), float(grad_norm is not None)]
    values = [loss or 0.0, grad_norm or 0.0, *known, float(disarm)]
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    numbers = torch.tensor(values, dtype=torch.float64, device=device)
    distributed.all_reduce(numbers)
    losses, norms, n_losses, n_norms, n_disarm = numbers.tolist()
    return (
        losses / n_losses if n_losses else None,
        norms / n_norms if n_norms else None,
        n_disarm > 0,
    )
