"""The norm of all gradients, accumulated in float32, and how often it is worth its cost."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch

from lrwatch.ranks import job
from lrwatch.ranks.shards import is_spread, local, weight

_EVERY_TOGETHER = 10
_HALF = (torch.float16, torch.bfloat16)


class Norm(NamedTuple):
    """An L2 norm.

    Attributes:
        value: A scalar tensor.
        is_share: Whether it is this rank's share only: the squares of all ranks' shares sum up to
            the square of the norm.
    """

    value: torch.Tensor
    is_share: bool = False


def grad_norm(parameters: Iterable[torch.Tensor]) -> Norm | None:
    """L2 norm over the gradients as they are now; None where there are none.

    A scalar on the device of the first gradient that is not on the CPU, if there is one; waits for
    neither the device nor another rank. Half-precision gradients are accumulated in float32, double
    stays double, sparse ones count after coalescing, missing and empty ones count nothing. Of
    gradients that are spread over ranks it is this rank's share; None where that cannot be told
    from what lies here.

    Args:
        parameters: Whose gradients.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return None
    # After backward(create_graph=True). No torch.no_grad(): an interrupt on the way out of it would
    # leave the training without gradients.
    if any([g.requires_grad for g in gradients]):
        gradients = [g.detach() for g in gradients]
    norms = _plain_norms(gradients)
    is_share = norms is None and any(map(is_spread, gradients))
    if norms is None:
        norms = _shares(gradients) if is_share else _mixed_norms(gradients)
    if norms is None:
        return None
    return Norm(torch.linalg.vector_norm(torch.stack(norms)), is_share)


def share_of(norm: torch.Tensor) -> Norm | None:
    """A norm that clipping computed; None where what lies here does not tell it."""
    if not is_spread(norm):
        return Norm(local(norm))
    scale = weight(norm, job.n_ranks())
    return None if scale is None else Norm(local(norm) * scale, is_share=True)


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


def _mixed_norms(gradients: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    groups: dict[tuple[torch.device, torch.dtype], list[torch.Tensor]] = defaultdict(list)
    for g in map(local, gradients):
        dense = g.coalesce()._values() if g.layout is torch.sparse_coo else g
        if dense.numel():
            groups[dense.device, dense.dtype].append(dense)
    norms = [
        norm
        for (_, dtype), group in groups.items()
        for norm in torch._foreach_norm(group, 2, dtype=_accumulator(dtype))
    ]
    # Not on the CPU if one is elsewhere: what nobody waits for would be read there before it came.
    device = next((d for d, _ in groups if d.type != "cpu"), local(gradients[0]).device)
    widest = torch.float64 if (device, torch.float64) in groups else torch.float32
    found = [norm.to(device, widest, non_blocking=True) for norm in norms]
    return found or [torch.zeros((), device=device)]


def _shares(gradients: Sequence[torch.Tensor]) -> list[torch.Tensor] | None:
    """This rank's share of the norms, one for every way in which gradients are spread."""
    alike: dict[float, list[torch.Tensor]] = defaultdict(list)
    n_ranks = job.n_ranks()
    for g in gradients:
        scale = weight(g, n_ranks)
        if scale is None:
            return None
        alike[scale].append(g)
    return [norm * scale for scale, group in alike.items() for norm in _mixed_norms(group)]


def _accumulator(dtype: torch.dtype) -> torch.dtype | None:
    return torch.float32 if dtype in _HALF else None


class Cadence:
    """Says at which steps the norm is computed, so that it stays about 0.2 % of the time.

    It is due when ``share`` of the time since the last one is as much as it costs, and after
    ``max_gap`` steps at the latest, which is where a step of a millisecond has it. ``every`` fixes
    the distance instead: the steps whose number it divides. Which steps have it changes nothing in
    the training, and what is said of recorded runs is the same with every fifth or twentieth.

    While ``press`` has it, and ``every`` fixes nothing, every step has it, whatever it costs.

    The first ``n_young`` steps have it, too, unless ``every`` fixes the distance: a launch that is
    too hot shows in bursts of the norm, and a tenth of them told hardly two thirds of such runs.

    In a job of several ranks every tenth step has it: the time differs between ranks, and shares
    make a whole only where each rank has taken its own.

    Before the time ``due_s`` and the step ``due_step`` none is due.

    Args:
        every: Fixed distance in steps, >= 1, or None.
        share: Share of the time that may be spent, as a fraction > 0.
        max_gap: Largest distance in steps, >= 1.
        n_young: Steps of a run, or of what is seen of one, that all have it, >= 0.

    Raises:
        ValueError: If ``every`` is below 1.
    """

    __slots__ = (
        "_cost_s",
        "_every",
        "_last_s",
        "_last_step",
        "_max_gap",
        "_n_young",
        "_old_from",
        "_pressed",
        "_share",
        "due_s",
        "due_step",
    )

    def __init__(
        self,
        every: int | None = None,
        *,
        share: float = 0.002,
        max_gap: int = 20,
        n_young: int = 256,
    ) -> None:
        if every is not None and every < 1:
            raise ValueError(f"norm_every must be >= 1 or None, got {every}")
        self._every = every
        self._share = share
        self._max_gap = max_gap
        self._pressed = False
        self._n_young = n_young
        self._old_from = -1 if every is None else 0
        self._cost_s = 0.0
        self._last_s = 0.0
        self._last_step = -max_gap
        self.expect()

    def due(self, step: int, now_s: float) -> bool:
        """Whether the norm is to be computed at this step; ``now_s`` is of a steady clock."""
        if self._old_from < 0:
            self._begin(step)
        if step < self._old_from or (self._pressed and self._every is None):
            return True
        if self._every is not None:
            self.due_s, self.due_step = math.inf, step - step % self._every + self._every
            return step % self._every == 0
        if (now_s - self._last_s) * self._share >= self._cost_s:
            return True
        return not 0 < step - self._last_step < self._max_gap

    def _begin(self, step: int) -> None:
        self._old_from = step + self._n_young
        if job.n_ranks() > 1:
            self._every = _EVERY_TOGETHER

    def press(self, on: bool) -> None:
        """Have every step take it from here on, or as few as its cost allows."""
        if on is not self._pressed:
            self._pressed = on
            self.expect()

    def expect(self) -> None:
        """Ask again at the next step, whatever its number."""
        self.due_s, self.due_step = -math.inf, -1

    def took(self, step: int, start_s: float, end_s: float) -> None:
        """Count a norm. The cost is their running mean; a single slow one counts as four at most.

        One of less than half is taken at its word: the first is many times slower than the rest.
        """
        cost_s, known_s = end_s - start_s, self._cost_s
        if cost_s < 0.5 * known_s or not known_s:
            self._cost_s = cost_s
        else:
            self._cost_s = 0.95 * known_s + 0.05 * min(cost_s, 4.0 * known_s)
        self._last_s = end_s
        self._last_step = step
        is_old = step + 1 >= self._old_from
        if is_old and self._every is None and not self._pressed:
            self.due_s, self.due_step = end_s + self._cost_s / self._share, step + self._max_gap
