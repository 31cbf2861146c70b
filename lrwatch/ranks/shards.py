"""What one rank holds of a tensor that is spread over ranks, in norms whose squares add up."""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def is_spread(tensor: "Tensor") -> bool:
    """Whether the tensor is a DTensor over more than one rank."""
    mesh = getattr(tensor, "device_mesh", None)
    return mesh is not None and mesh.size() > 1


def local(tensor: "Tensor") -> "Tensor":
    """The part of a DTensor that lies here, no copy of it; any other tensor itself."""
    if not hasattr(tensor, "placements"):
        return tensor
    part: Any = tensor.detach().to_local()  # type: ignore[attr-defined]
    here: Tensor = part.wait() if hasattr(part, "wait") else part
    return here


def weight(tensor: "Tensor", n_ranks: int) -> float | None:
    """What to multiply the local norm with, so that all ranks' squares sum up to the square.

    Along a dimension of the mesh in which the tensor is replicated each rank has the same numbers,
    and counts for one of them; ranks outside of the mesh, and plain tensors, are taken as copies,
    as DDP makes them. None where the local numbers do not tell: a sum that is still due.

    Args:
        tensor: A gradient, a weight, or the norm of some.
        n_ranks: How many ranks train together.
    """
    placements = getattr(tensor, "placements", None)
    if placements is None:
        return 1 / math.sqrt(n_ranks)
    mesh: Any = tensor.device_mesh  # type: ignore[attr-defined]
    share = mesh.size() / n_ranks
    for dim, placement in enumerate(placements):
        if placement.is_replicate():
            share /= mesh.size(dim)
        elif placement.is_partial() and getattr(placement, "norm_type", None) != 2:
            return None
    return math.sqrt(share)
