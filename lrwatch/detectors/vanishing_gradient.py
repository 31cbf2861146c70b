"""The gradient norm is gone while the loss never came down."""

import math
from itertools import pairwise
from typing import ClassVar

from lrwatch.detectors.detector import Detector, Looks
from lrwatch.records import Alert, Kind
from lrwatch.stats.signals import Signals

_ARMED_AFTER = 48


class VanishingGradient(Detector):
    """Alerts when the norm fell below ``share`` of its start, or to 0, and nothing was learned.

    Nothing was learned means: the level of the loss is less than three times its noise below the
    first losses, whose own fall is no noise, and not clearly below each of them. A norm that falls
    because the loss is at its floor is what training is for. Nor is a norm of 0 counted where the
    loss equals the lowest so far, and a gradient has come back after such a batch before: it is
    solved, as most are to a margin or a hinge; dead units stay dead.

    Does not catch: single dead layers (the norm is over all parameters), or a gradient that was
    tiny from the first step on (a stall). Steps without a norm are skipped, as are NaN; zero
    spread of the loss counts as nothing learned; the sign of the loss does not matter.

    Reference: S. Hochreiter, "The Vanishing Gradient Problem During Learning Recurrent Neural Nets
    and Problem Solutions", 1998.

    Args:
        share: Part of the first norms below which the norm is called gone, in (0, 1).
    """

    kind: ClassVar[Kind] = "vanishing_gradient"
    judges_loss: ClassVar[bool] = False
    looks: ClassVar[Looks] = "at_norms"
    SETTINGS = ("_share",)

    def __init__(self, *, share: float = 1e-3) -> None:
        if not 0 < share < 1:
            raise ValueError(f"share must be in (0, 1), got {share}")
        self._share = share
        super().__init__()

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._zeros = 0
        self._lowest = math.inf
        self._is_solved = False
        self._wakes = False

    def update(self, s: Signals) -> Alert | None:
        """Judge the step that ``s`` was just updated with."""
        if s.grad_norm != s.grad_norm:
            return None
        self._count_zeros(s)
        if s.n_norm < _ARMED_AFTER or s.n < _ARMED_AFTER or not s.start_norm > 0.0:
            return None
        if not s.fresh_before and self._zeros != _ARMED_AFTER:
            return None
        hardly_any = s.norms.median != s.norms.median
        if hardly_any and self._wakes and self._zeros < _ARMED_AFTER:
            return None
        level = 0.0 if hardly_any or self._zeros >= _ARMED_AFTER else math.exp(s.norms.median)
        if level >= self._share * s.start_norm:
            if level > 10.0 * self._share * s.start_norm:
                return self.close(s, f"gradient norm is {level:.4g} again")
            return None
        if _has_fallen(s):
            return None
        return self.tell(
            s,
            "warning",
            f"gradient norm {level:.3g}, at first {s.start_norm:.3g}, and the loss has not fallen",
            onset=s.step,
            advice="units are dead or saturated: start again with a lower rate or a warm-up, "
            "and look at initialisation and normalisation",
            value=level,
            limit=self._share * s.start_norm,
            evidence={"start_norm": s.start_norm, "loss_level": s.recent.median},
        )

    def _count_zeros(self, s: Signals) -> None:
        """Count the norms of 0 in a row, but those of solved batches among others that are not."""
        if s.grad_norm > 0.0:
            self._zeros = 0
            self._wakes = self._wakes or self._is_solved
        if s.loss < self._lowest:
            self._lowest = s.loss
        if s.grad_norm == 0.0:
            at_lowest = s.loss == self._lowest
            self._is_solved = self._is_solved or at_lowest
            self._zeros = 0 if at_lowest and self._wakes else self._zeros + 1


def _has_fallen(s: Signals) -> bool:
    """Whether the loss stands below its first values by more than they differ, or below all."""
    level, noise, scatter = s.recent.median, s.recent.noise, _scatter(s.first)
    if max(s.start, s.first_level) - level > 3.0 * max(noise, scatter):
        return True
    return min(s.first) - level > 3.0 * noise and s.first_level - level > 0.1 * scatter


def _scatter(first: list[float]) -> float:
    """How unevenly the first losses change: their noise, without the fall that they share."""
    changes = sorted(b - a for a, b in pairwise(first))
    return changes[-2] - changes[1] if len(changes) > 3 else 0.0
