"""A noise floor: progress has become slow, and a lower rate might show why."""

import math
from dataclasses import dataclass, field
from typing import Literal

from lrwatch.policy.arm import Arm
from lrwatch.policy.spread import Mean, mean_of

SLOW = 0.12
FLAT = 0.03
LEAST_GAIN = 0.02
LOST_AGAIN, FALLS_ON = 0.2, 0.3
SURE = 3.0
STILL = 2.0
# Middle of the second and of the fourth quarter.
EARLY, LATE = 0.375, 0.875
# Shares of the gain per doubling; where the rate is known to be hot; there, once more.
PATIENCE, PATIENCE_WHERE_HOT, PATIENCE_AGAIN = 0.7, 0.3, 0.5
CLEAR = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What an arm gained from its second to its fourth quarter, and what it would gain further.

    A run gains about as much each time its length doubles, so that an arm which is short against
    what lies before it says little of that: its gain per doubling counts for at most ``SLOW`` of
    the span, or for the gain itself.

    Attributes:
        now: Mean loss of the last quarter.
        gain: Fall of the mean since the second quarter.
        error: Standard error of the gain.
        span: Fall of the loss since the first step of the run.
        learnt: Whether the run left its first loss for certain.
        per_doubling: What the run gains as it doubles its length, with a standard error more.
        n: Steps of the run so far, those before this arm included.
        since: Steps from the middle of the last quarter of the arm to its end.
    """

    now: Mean
    gain: float
    error: float
    span: float
    learnt: bool
    per_doubling: float
    n: int
    since: float

    def slower_than(self, share: float) -> bool:
        """Whether the gain is below this share of the span."""
        return self.gain <= share * self.span

    def stands_still(self) -> bool:
        """Whether nothing was gained or lost for certain, and little if anything.

        A loss that surely rises is on no noise floor: a term of it grows, or the task changes.
        """
        return abs(self.gain) <= STILL * self.error and self.slower_than(FLAT)

    def says_nothing(self) -> bool:
        """Whether the loss was the same number all the time, as one divided by its own value is."""
        return self.span == self.gain == self.error == 0.0

    def can_be_beaten(self) -> bool:
        """Whether a loss that is never negative has as far to fall as a trial must gain."""
        return self.now.value > LEAST_GAIN * self.span

    def expected(self, n: float) -> float:
        """Loss after so many steps more if the gain of each doubling stays."""
        doublings = math.log2((self.n + n) / (self.n - self.since))
        return self.now.value - max(self.per_doubling, 0.0) * doublings


def progress(arm: Arm, first_loss: Mean, age: int = 0) -> Progress:
    """Progress of an arm of at least 8 blocks since the first loss of the run.

    Args:
        arm: The arm.
        first_loss: First loss of the run.
        age: Steps that count of those before the arm, >= 0.
    """
    then, now = arm.stretch.part(0.25, 0.5), arm.stretch.part(0.75, 1.0)
    span = first_loss.value - min(then.value, now.value)
    error, gain = now.apart(then), then.value - now.value
    doublings = math.log2((age + LATE * arm.n) / (age + EARLY * arm.n))
    return Progress(
        now=now,
        gain=gain,
        error=error,
        span=span,
        learnt=span >= 3 * math.hypot(error, first_loss.error),
        per_doubling=min((gain + error) / doublings, max(gain, SLOW * span)),
        n=age + arm.n,
        since=(1 - LATE) * arm.n,
    )


@dataclass(slots=True, kw_only=True)
class Trial:
    """A lower rate for a while, in place: kept where it brings at once more than time would.

    The rate that learns fastest is not the one with the lowest noise, so a lower loss alone says
    little. It must lie below what the run would have come to by itself, by a good part of what it
    gains as it doubles its length: 0.7 of it, less where the rate is known to be hot. And where it
    does not do so by far, the old rate comes back for half as many steps: there the gain must be
    lost again or, if it is beyond doubt, the loss must no longer fall. A run that was just about to
    learn faster falls on. A trial that is behind at its half is given up.

    Attributes:
        before: Progress of the arm that the trial interrupts.
        n_steps: Steps before the first decision; up to twice as many while it is open.
        known_hot: Whether the rate is known to have been too high: the old one need not come back
            then.
        patience: Share of the run's gain per doubling that the lower rate must be ahead by.
        losses: What was seen so far.
        back: What was seen since the old rate is back, to see whether the gain is lost.
    """

    before: Progress
    n_steps: int
    known_hot: bool = False
    patience: float = PATIENCE
    losses: list[float] = field(default_factory=list)
    back: list[float] | None = None

    def outcome(self, loss: float) -> Literal["kept", "refused", "back"] | None:
        """Take a loss into account; the result, "back" for the old rate, or None while open."""
        if self.back is not None:
            self.back.append(loss)
            return self._confirmed() if len(self.back) >= max(16, self.n_steps // 2) else None
        self.losses.append(loss)
        n = len(self.losses)
        if n % (self.n_steps // 2):
            return None
        level = self.level()
        gain = self.before.expected(0.75 * n) - level.value
        error = level.apart(self.before.now)
        if n < self.n_steps:
            return "refused" if gain < -error else None
        least = LEAST_GAIN * self.before.span
        by_itself = self.patience * self.before.per_doubling
        if gain > max(least, 2.5 * error, by_itself):
            if self.known_hot or gain > CLEAR * max(least, by_itself, SURE * error):
                return "kept"
            self.back = []
            return "back"
        open_still = gain > max(least, 0.6 * by_itself) and n < 2 * self.n_steps
        return None if open_still else "refused"

    def level(self) -> Mean:
        """Mean loss since the new rate has settled."""
        return mean_of(self.losses[min(len(self.losses), self.n_steps) // 2 :])

    def _confirmed(self) -> Literal["kept", "refused"]:
        back = self.back or []
        level, now = mean_of(self.losses[-len(back) :]), mean_of(back[len(back) // 2 :])
        gain = self.before.now.value - level.value
        if now.value - level.value > max(2 * now.apart(level), LOST_AGAIN * gain):
            return "kept"
        as_fast = gain * len(back) / len(self.losses)
        stands = level.value - now.value < FALLS_ON * as_fast
        sure = gain > SURE * level.apart(self.before.now)
        return "kept" if sure and stands else "refused"


def next_trial(arm: Arm, before: Progress, *, known_hot: bool, again: bool) -> Trial:
    """A trial of a twelfth of the arm's length, of a sixth where it stands still; 24 at least.

    Where the rate is known to be hot less of a gain will do, but not after a trial was kept.
    """
    n_steps = max(24, arm.n // (6 if before.slower_than(FLAT) else 12))
    hot = PATIENCE_AGAIN if again else PATIENCE_WHERE_HOT
    patience = hot if known_hot else PATIENCE
    return Trial(before=before, n_steps=n_steps, known_hot=known_hot, patience=patience)
