"""The start of a run: does it leave its first loss downwards, or is the rate far too high?"""

import itertools
import math
import statistics

from lrwatch.policy.arm import Arm
from lrwatch.policy.move import Seen

N_STEPS = 64
NORM_RISE = 5.0
LOSS_RISE = 2.0
MOVED = 0.1
RUIN = 4
# After so many steps without progress weights that moved so far are no longer the first ones.
STILL = {20: 4.0, 40: 1.5, 64: 0.7}


class Launch:
    """Judges the first 64 steps of an arm against the loss at the first weights.

    A step is *hot* where the loss is above the first and either the gradient norm has risen
    fivefold or a loss that was never negative has doubled, while the weights have moved by a tenth
    of their size: what a rate does, not what a batch does. Two such steps in a row mean ruin where
    the gradient has risen, four where only the loss has: the first loss may have been a low one.
    Every restart adds one more sample of it. A rate that only slows the run is not noticed; see
    :mod:`lrwatch.policy.floor`.
    """

    def __init__(self) -> None:
        self._losses: list[float] = []
        self._norms: list[float] = []

    @property
    def level(self) -> float:
        """Mean loss at the first weights; NaN where they were never seen."""
        return statistics.fmean(self._losses) if self._losses else math.nan

    def add(self, seen: Seen) -> None:
        """Take a batch at the first weights into account."""
        self._losses.append(seen.loss)
        self._norms.append(seen.grad_norm or 0.0)

    def ruined(self, arm: Arm, seen: Seen) -> bool:
        """Add up the heat of steps in a row; True when it comes to ruin."""
        if not 2 <= arm.n <= N_STEPS:
            return False
        heat = self._heat(arm, seen)
        arm.n_hot = arm.n_hot + heat if heat else 0
        return arm.n_hot >= RUIN

    def stands_still(self, arm: Arm, seen: Seen) -> bool:
        """Whether nothing was learnt although the weights moved far."""
        if arm.n not in STILL or seen.moved() <= STILL[arm.n]:
            return False
        tail = arm.first[arm.n // 2 : arm.n]
        # Differences of neighbours, so that a fall within the tail does not count as noise; the
        # first loss is a sample too, as uncertain as one batch for each time it was seen.
        noise = statistics.median(abs(a - b) for a, b in itertools.pairwise(tail))
        error = noise * math.sqrt(1 / len(tail) + 1 / len(self._losses))
        return statistics.fmean(tail) > self.level - 2 * error

    def _heat(self, arm: Arm, seen: Seen) -> int:
        if seen.loss <= self.level:
            return 0
        norm: float = sum(self._norms) / len(self._norms)
        steep = norm > 0 and (seen.grad_norm or 0.0) > NORM_RISE * norm
        high = min(arm.first) > 0 and seen.loss > LOSS_RISE * self.level
        if not (steep or high) or seen.moved() <= MOVED:
            return 0
        return 2 if steep else 1
