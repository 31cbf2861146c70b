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
# Ratio of losses at the first weights that agree; how many are enough where they do not.
ALIKE, MANY = 1.5, 8
GROWN, TINY = 2.0, 1e-300
# Standard errors that are no chance.
N_ERRORS = 8.0
# Share of losses that are far below the one before them, where batches scatter.
SCATTERED = 0.25
# After so many steps without progress weights that moved so far are no longer the first ones.
STILL = {20: 4.0, 40: 1.5, 64: 1.5}
# A plateau that a healthy run leaves by itself has neither of these, unless the weights moved
# very far: the norm of the gradients burst, or collapsed as in a saturated net.
FAR_OFF, ROOM, FLAT = 2.0, 0.4, 0.05
# How far weights must be for a plateau to be doubted: the further, the fewer steps have shown it.
STUCK = {64: 3.0, 96: FAR_OFF, 128: FAR_OFF}
BEGUN = 0.1
UNSEEN = 0.6
BURST, COLLAPSED, VERY_FAR = 5.0, 0.15, 2.0


class Launch:
    """Judges the first 64 steps of an arm against the loss at the first weights.

    A step is *hot* where the loss is above all that were seen at the first weights and either the
    gradient norm has risen fivefold or a loss that was never negative has doubled, while the
    weights have moved by a tenth of their size: what a rate does, not what a batch does. Two such
    steps in a row mean ruin where the gradient has risen, four where only the loss has. The first
    loss may have been a low one: every restart adds a sample of it, and where they do not agree
    :mod:`lrwatch.policy.sampling` asks for more. A rate that only slows the run is not noticed; see
    :mod:`lrwatch.policy.floor`.
    """

    def __init__(self) -> None:
        self._losses: list[float] = []
        self._norms: list[float] = []

    @property
    def level(self) -> float:
        """Mean loss at the first weights; NaN where they were never seen."""
        return _mean(self._losses) if self._losses else math.nan

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
        heat = self._heat(seen.loss, seen.grad_norm or 0.0, min(arm.first))
        if heat and seen.moved() <= MOVED:
            heat = 0
        arm.n_hot = arm.n_hot + heat if heat else 0
        return arm.n_hot >= RUIN

    def is_above(self, losses: list[float]) -> bool:
        """Whether losses are higher on the average than chance has them at the first weights."""
        error = mean_of(self._losses).error if self.n > 1 else 0.0
        chance = N_ERRORS * error * math.sqrt(self.n / len(losses))
        return _mean(losses) > self.level + chance

    def is_sure(self, loss: float, arm: Arm) -> bool:
        """Whether enough is known of the losses at the first weights to call this one high.

        So it is where they agree: it is further above them than they are apart, and the arm's own
        losses were alike while all was well.
        """
        low, high = min(self._losses), max(self._losses)
        close = high - low < loss - high and (low < 0 or high < ALIKE * low)
        return (close and not _scatter(arm.first[:-RUIN])) or self.n >= MANY

    def is_steep(self, arm: Arm) -> bool:
        """Whether the gradient has grown by more than the loss: no low batch explains that."""
        grown = min(arm.norms[-2:]) / max(_mean(self._norms), TINY)
        return self.level > 0 and grown * self.level > GROWN * min(arm.first[-2:])

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
        if min(arm.first) > 0 and 2 * error > UNSEEN * self.level:
            return False  # what was learnt could not be seen
        return _mean(tail) > self.level - 2 * error

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
        norm = _mean(self._norms) if self._norms else 0.0
        if not norm or not arm.norms:
            return False
        late = statistics.median(arm.norms[-8:])
        return max(arm.norms) > BURST * norm or late < COLLAPSED * norm

    def _heat(self, loss: float, norm: float, lowest: float) -> int:
        if loss <= max(self._losses):
            return 0
        usual = _mean(self._norms)
        steep = usual > 0 and norm > NORM_RISE * usual
        high = lowest > 0 and loss > LOSS_RISE * self.level
        return (2 if steep else 1) if steep or high else 0


def _scatter(losses: list[float]) -> bool:
    """Whether losses in a row are not alike, as those of single samples; a rise is no scatter."""
    pairs = list(itertools.pairwise(losses))
    if not pairs or min(losses) <= 0:
        return False
    return sum(a > ALIKE * b for a, b in pairs) > SCATTERED * len(pairs)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)  # infinite where fmean would raise
