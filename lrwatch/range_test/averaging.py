"""One loss for all ranks of a job, so that all of them take the same way through a search."""

import torch
from torch import distributed


def averaged(loss: float) -> float:
    """The mean over all ranks, NaN where one of them has NaN; the loss itself in a single process.

    Waits for the slowest rank, as the reduction of the gradients has.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return loss
    if distributed.get_world_size() == 1:
        return loss
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    total = torch.tensor(loss, dtype=torch.float64, device=device)
    distributed.all_reduce(total)
    return float(total) / distributed.get_world_size()
