"""The norm of all gradients, accumulated in float32, and how often it is worth its cost."""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import distributed

_EVERY_TOGETHER = 10
_HALF = (torch.float16, torch.bfloat16)


def grad_norm(parameters: Iterable[torch.Tensor], *, together: bool = True) -> torch.Tensor | None:
    """L2 norm over the gradients as they are now; None where there are none.

    A scalar on the device of the first gradient; does not wait for the device. Half-precision
    gradients are accumulated in float32, double stays double, sparse ones count after coalescing,
    missing and empty ones count nothing. Shards of a DTensor are reduced over its mesh, which every
    rank has to take part in; None for them where it is not known that all do.

    Args:
        parameters: Whose gradients.
        together: Whether every rank takes the norm at this same step.
    """
    with torch.no_grad():
        gradients = [p.grad for p in parameters if p.grad is not None]
        if not gradients:
            return None
        norms = _plain_norms(gradients)
        if norms is None:
            if not together and any(hasattr(g, "placements") for g in gradients):
                return None
            norms = _mixed_norms(gradients)
        total: torch.Tensor = torch.linalg.vector_norm(torch.stack(norms))
        return total


def _plain_norms(gradients: list[torch.Tensor]) -> list[torch.Tensor] | None:
    """One call for all where they are dense, of one full-precision dtype and on one device."""
    first = gradients[0]
    dtype, device = first.dtype, first.device
    if dtype not in (torch.float32, torch.float64):
        return None
    for g in gradients:
        plain = type(g) is torch.Tensor and g.layout is torch.strided
        if not plain or g.dtype is not dtype or g.device != device:
            return None
    norms: list[torch.Tensor] = list(torch._foreach_norm(gradients))
    return norms


def _mixed_norms(gradients: list[torch.Tensor]) -> list[torch.Tensor]:
    groups: dict[tuple[torch.device, torch.dtype], list[torch.Tensor]] = defaultdict(list)
    sharded = []
    for g in gradients:
        if hasattr(g, "placements"):
            sharded.append(_reduced_norm(g))
            continue
        dense = g.coalesce()._values() if g.layout is torch.sparse_coo else g
        if dense.numel():
            groups[dense.device, dense.dtype].append(dense)
    norms = [
        norm
        for (_, dtype), group in groups.items()
        for norm in torch._foreach_norm(group, 2, dtype=_accumulator(dtype))
    ]
    device = gradients[0].device
    found = [n.to(device, torch.float32, non_blocking=True) for n in [*sharded, *norms]]
    return found or [torch.zeros((), device=device)]


def _accumulator(dtype: torch.dtype) -> torch.dtype | None:
    return torch.float32 if dtype in _HALF else None


def _reduced_norm(gradient: torch.Tensor) -> torch.Tensor:
    norm = torch.linalg.vector_norm(gradient, dtype=_accumulator(gradient.dtype))
    whole: torch.Tensor = norm.full_tensor()
    return whole


class Cadence:
    """Says at which steps the norm is computed, so that it stays about one per cent of the time.

    It is due when ``share`` of the time since the last one is as much as it costs, and after
    ``max_gap`` steps at the latest. So a long step has it every time, and a step of a millisecond
    every tenth to twentieth. ``every`` fixes the distance instead: the steps whose number it
    divides. Which steps have it changes nothing in the training.

    Where torch.distributed is initialised when this is first asked, every tenth step has it: the
    time differs between ranks, and a rank that enters a reduction alone waits for ever.

    Args:
        every: Fixed distance in steps, >= 1, or None.
        share: Share of the time that may be spent, as a fraction > 0.
        max_gap: Largest distance in steps, >= 1.

    Raises:
        ValueError: If ``every`` is below 1.
    """

    __slots__ = ("_cost_s", "_every", "_last_s", "_last_step", "_max_gap", "_share")

    def __init__(self, every: int | None = None, *, share: float = 0.01, max_gap: int = 20) -> None:
        if every is not None and every < 1:
            raise ValueError(f"norm_every must be >= 1 or None, got {every}")
        self._every = every
        self._share = share
        self._max_gap = max_gap
        self._cost_s = 0.0
        self._last_s = 0.0
        self._last_step = -max_gap

    @property
    def counts(self) -> bool:
        """Whether steps are counted, so that all ranks find the same ones due."""
        return self._every is not None

    def due(self, step: int, now_s: float) -> bool:
        """Whether the norm is to be computed at this step; ``now_s`` is of a steady clock."""
        if self._every is None and not self._cost_s and _has_other_ranks():
            self._every = _EVERY_TOGETHER
        if self._every is not None:
            return step % self._every == 0
        if (now_s - self._last_s) * self._share >= self._cost_s:
            return True
        return not 0 < step - self._last_step < self._max_gap

    def took(self, step: int, start_s: float, end_s: float) -> None:
        """Count a norm; a single slow one, such as the first, raises the cost by little."""
        cost_s = end_s - start_s
        below = cost_s < self._cost_s or not self._cost_s
        self._cost_s = cost_s if below else 0.9 * self._cost_s + 0.1 * cost_s
        self._last_s = end_s
        self._last_step = step


def _has_other_ranks() -> bool:
    return distributed.is_available() and distributed.is_initialized()
