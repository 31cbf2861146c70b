"""A noise floor: progress has become slow, and a lower rate might show why."""

import math
from dataclasses import dataclass, field
from typing import Literal

from lrwatch.policy.arm import Arm
from lrwatch.policy.spread import Mean, mean_of

SLOW = 0.08
FLAT = 0.03
LEAST_GAIN = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What an arm gained from its second to its fourth quarter.

    Attributes:
        now: Mean loss of the last quarter.
        gain: Fall of the mean since the second quarter: about what a run gains as it doubles.
        error: Standard error of the gain.
        span: Fall of the loss since the first step of the run.
        learnt: Whether the run left its first loss for certain.
    """

    now: Mean
    gain: float
    error: float
    span: float
    learnt: bool

    def slower_than(self, share: float) -> bool:
        """Whether the gain is below this share of the span."""
        return self.gain <= share * self.span


def progress(arm: Arm, first_loss: Mean) -> Progress:
    """Progress of an arm of at least 8 blocks since the first loss of the run."""
    then, now = arm.stretch.part(0.25, 0.5), arm.stretch.part(0.75, 1.0)
    span = first_loss.value - min(then.value, now.value)
    error = now.apart(then)
    learnt = span >= 3 * math.hypot(error, first_loss.error)
    return Progress(now=now, gain=then.value - now.value, error=error, span=span, learnt=learnt)


@dataclass(slots=True, kw_only=True)
class Trial:
    """A lower rate for a while, in place: kept where it brings at once more than time would.

    The rate that learns fastest is not the one with the lowest noise, so a gain alone says
    little. It must exceed what the run gained by itself while it last doubled its length.

    Attributes:
        before: Progress of the arm that the trial interrupts.
        n_steps: Steps before the first decision; up to three times as many while it is open.
        losses: What was seen so far.
    """

    before: Progress
    n_steps: int
    losses: list[float] = field(default_factory=list)

    def outcome(self, loss: float) -> Literal["kept", "refused"] | None:
        """Take a loss into account; the result, or None while it is open."""
        self.losses.append(loss)
        n = len(self.losses)
        if n < self.n_steps or n % (self.n_steps // 2):
            return None
        level = self.level()
        gain, error = self.before.now.value - level.value, level.apart(self.before.now)
        least = LEAST_GAIN * self.before.span
        if gain > max(least, 2.5 * error, self.before.gain):
            return "kept"
        open_still = gain > max(least, 0.6 * self.before.gain) and n < 3 * self.n_steps
        return None if open_still else "refused"

    def level(self) -> Mean:
        """Mean loss since the new rate has settled."""
        return mean_of(self.losses[self.n_steps // 2 :])


def next_trial(arm: Arm, before: Progress) -> Trial:
    """A trial of a twelfth of the arm's length, 24 steps at least."""
    return Trial(before=before, n_steps=max(24, arm.n // 12))
