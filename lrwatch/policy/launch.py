"""The start of a run: does it leave its first loss downwards, or is the rate far too high?"""

import itertools
import math
import statistics

from lrwatch.policy.arm import Arm
from lrwatch.policy.move import Seen
from lrwatch.policy.spread import mean_of

N_STEPS = 64
NORM_RISE = 5.0
LOSS_RISE = 2.0
MOVED = 0.1
RUIN = 4
# After so many steps without progress weights that moved so far are no longer the first ones.
STILL = {20: 4.0, 40: 1.5, 64: 1.5}
# A plateau that a healthy run leaves by itself has neither of these, unless the weights moved
# very far: the norm of the gradients burst, or collapsed as in a saturated net.
FAR_OFF, ROOM, FLAT = 2.0, 0.4, 0.05
# How far weights must be for a plateau to be doubted: the further, the fewer steps have shown it.
STUCK = {64: 3.0, 96: FAR_OFF, 128: FAR_OFF}
BEGUN = 0.1
BURST, COLLAPSED, VERY_FAR = 5.0, 0.15, 2.0


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

    @property
    def n(self) -> int:
        """How often the first weights were seen."""
        return len(self._losses)

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
        if arm.n not in STILL:
            return False
        moved = seen.moved() / STILL[arm.n]
        if moved <= 1.0 or not (moved > VERY_FAR or self.marked(arm)):
            return False
        tail = arm.first[arm.n // 2 : arm.n]
        # Differences of neighbours, so that a fall within the tail does not count as noise; the
        # first loss is a sample too, as uncertain as one batch for each time it was seen.
        noise = statistics.median(abs(a - b) for a, b in itertools.pairwise(tail))
        error = noise * math.sqrt(1 / len(tail) + 1 / len(self._losses))
        return statistics.fmean(tail) > self.level - 2 * error

    def stuck(self, arm: Arm, seen: Seen) -> bool:
        """Whether the loss stopped falling early and high, with the weights many times their size.

        Such weights are as far from the first ones as no net goes that learns; what they still know
        (how frequent each symbol is, say) is soon learnt again. What was gained at last must be
        little even with a standard error more: noise hides the slope of a run that learns.
        """
        if arm.n not in STUCK or seen.moved() <= STUCK[arm.n]:
            return False
        half = mean_of(arm.first[arm.n // 2 : 3 * arm.n // 4])
        late = mean_of(arm.first[3 * arm.n // 4 : arm.n])
        high = min(arm.first) < 0 or late.value > ROOM * self.level
        drop = self.level - late.value
        # A run that has not begun to learn is another case: see ``stands_still``.
        begun = drop > BEGUN * abs(self.level)
        return begun and high and half.value - late.value + half.apart(late) < FLAT * drop

    def marked(self, arm: Arm) -> bool:
        """Whether the gradients show that the weights are not where a run begins to learn."""
        norm = statistics.fmean(self._norms) if self._norms else 0.0
        if not norm or not arm.norms:
            return False
        late = statistics.median(arm.norms[-8:])
        return max(arm.norms) > BURST * norm or late < COLLAPSED * norm

    def _heat(self, arm: Arm, seen: Seen) -> int:
        if seen.loss <= self.level:
            return 0
        norm: float = sum(self._norms) / len(self._norms)
        steep = norm > 0 and (seen.grad_norm or 0.0) > NORM_RISE * norm
        high = min(arm.first) > 0 and seen.loss > LOSS_RISE * self.level
        if not (steep or high) or seen.moved() <= MOVED:
            return 0
        return 2 if steep else 1
