"""One arm: a stretch of training from one start at one scale."""

from lrwatch.policy.move import Seen
from lrwatch.policy.spread import Stretch

N_FIRST = 256
N_RATES = 512
N_BEFORE_CHECK = 64


class Arm:
    """What is remembered of the steps since the last change of weights or rate.

    Args:
        scale: Factor on the schedule's rate.
        from_start: Whether it set out from the weights of step 0.

    Attributes:
        n: Updates so far.
        first: The first 256 losses.
        norms: The first 256 gradient norms; where one is unknown, the last that was known.
        stretch: All losses at its own rate, in blocks.
        n_hot: How ruined the last steps in a row looked, see :mod:`lrwatch.policy.launch`.
        next_check: Step of the arm at which the noise floor is looked for.
        ramp_to: Scale to go back up to when it stays quiet.
    """

    def __init__(self, scale: float, *, from_start: bool) -> None:
        self.scale = scale
        self.from_start = from_start
        self.n = 0
        self.first: list[float] = []
        self.norms: list[float] = []
        self.stretch = Stretch()
        self.rates: list[float] = []
        self.n_hot = 0
        self.next_check = N_BEFORE_CHECK
        self.ramp_to = 0.0

    def add(self, seen: Seen, *, on_trial: bool = False) -> None:
        """Take one step into account; one at a rate on trial says nothing about its own."""
        self.n += 1
        if len(self.first) < N_FIRST:
            self.first.append(seen.loss)
            last = self.norms[-1] if self.norms else 0.0
            self.norms.append(last if seen.grad_norm is None else seen.grad_norm)
        if not on_trial:
            self.stretch.add(seen.loss)
        self.rates.append(seen.rate)
        if len(self.rates) > N_RATES:
            del self.rates[::2]

    def steady(self) -> bool:
        """Whether the schedule kept its rate within a factor of 1.5 for three quarters of it."""
        kept = self.rates[len(self.rates) // 4 :]
        return max(kept) <= 1.5 * min(kept)
