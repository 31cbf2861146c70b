"""Where a run stands: the present arm, what it may go back to, and how one arm follows another."""

import math

from lrwatch.policy.arm import Arm
from lrwatch.policy.contest import Contest
from lrwatch.policy.floor import Trial
from lrwatch.policy.launch import Launch
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.recent import Recent
from lrwatch.policy.settings import Backoff
from lrwatch.policy.shelf import Good, Shelf
from lrwatch.policy.spread import Mean

N_FREE = 128
LOWEST_NOTCH = 0.09
N_QUICK = 32
USUAL_MOVE = 0.3


class Course:
    """State that all rungs share, and the moves that lead from one arm to the next.

    Args:
        settings: Bounds.
        n_slots: Snapshots that memory allows, >= 0: the start, the incumbent of a contest, the
            weights that are held while older ones are asked, and the good ones.

    Attributes:
        arm: The present stretch of training.
        contest: The contest it is in, if any.
        total: Steps that the run will take, if that is known.
        alone: Whether the run can be settled at any time: not where several ranks decide together.
        trial: The trial in place it is in, if any.
        may_lower: Whether the rate may be lowered at all.
        n: Steps so far.
        n_lost: Steps whose work was given up.
        n_back: Times that other weights were brought back.
        n_lost_levels: Times that the loss left its level for good.
        cap: Effective rate that is not to be passed.
        ceiling: Effective rate up to which a rescued run may try to go back; 0 where it may not.
        first_loss: Loss at the first step that was seen.
        n_changes_left: Of the budget.
    """

    def __init__(self, settings: Backoff, n_slots: int, total: int | None = None) -> None:
        self.total, self.alone = total, True
        self.settings, self.n_changes_left = settings, settings.budget
        rewinds = "rewind" in settings.rungs
        self.may_lower = "backoff" in settings.rungs
        self._restarts = rewinds and self.may_lower and n_slots >= 1
        self._compares = self._restarts and n_slots >= 2 and settings.trials
        self.can_hold = rewinds and n_slots >= 4
        n_good = n_slots - 3 if self.can_hold else n_slots - 2
        self.shelf = Shelf(max(0, n_good) if rewinds else 0, every=settings.snapshot_every)
        self.launch, self.recent = Launch(), Recent()
        self.arm = Arm(1.0, from_start=self.can_restart)
        self.contest: Contest | None = None
        self.trial: Trial | None = None
        self.cap = math.inf
        self.ceiling = 0.0
        self.n = self.n_lost = self.n_contests = self.n_back = self.n_lost_levels = 0
        self.first_loss = math.nan
        self.outcomes: list[Move] = []
        self._unverified = ""

    def tell(self, reason: str, *, helped: bool) -> None:
        """Report on what was done before."""
        self.outcomes.append(Move(kind="outcome", reason=reason, helped=helped))

    def verify(self) -> None:
        """Report that the last change of weights and rate was followed by quiet steps."""
        if self._unverified:
            self.tell(f"{self._unverified}: quiet for {self.arm.n} steps", helped=True)
        self._unverified = ""

    def retract(self, reason: str) -> None:
        """Report that the last change was made for no good reason."""
        self._unverified = ""
        self.tell(reason, helped=False)

    @property
    def can_restart(self) -> bool:
        """Whether the first weights may come back."""
        return self._restarts and self.n_changes_left >= 1

    @property
    def can_compare(self) -> bool:
        """Whether a trial from the first weights may begin; its end is a change, too."""
        return self._compares and self.n_changes_left >= 2

    @property
    def known_hot(self) -> bool:
        """Whether a rate of this run has brought trouble by itself."""
        return self.cap < math.inf

    @property
    def stands_low(self) -> bool:
        """Whether the loss is about as low as it was at its lowest."""
        level = self.arm.stretch.lowest()
        margin = 3 * self.recent.noise() + 0.05 * abs(self.first_loss - level)
        return self.recent.middle(9) - level <= margin

    def start_is_gone(self) -> None:
        """The first weights are out of reach: no rewind to them, and no trial from them."""
        self._restarts = self._compares = False

    def accept_change(self) -> None:
        """The data or the loss are others now: what was seen before is no measure any more."""
        arm = Arm(self.arm.scale, from_start=False)
        arm.ramp_to = self.arm.ramp_to
        arm.next_check = max(arm.next_check, self.n // 2)
        self.follow(arm)
        self.recent.clear()
        self.shelf.clear(rates=False)
        self.launch, self.first_loss = Launch(), math.nan
        self._unverified = ""
        self.start_is_gone()

    def room(self) -> int:
        """How many more steps may be lost to trials; what wins one needs as many again."""
        room = int(N_FREE + self.settings.max_lost * self.n) - self.n_lost
        return room if self.total is None else min(room, (self.total - self.n) // 2)

    def affords(self, n_steps: int) -> bool:
        """Whether so many more steps may be lost to a trial."""
        return n_steps < self.room()

    def follow(self, arm: Arm) -> None:
        """Go on with another arm on the same weights."""
        self.arm, self.trial = arm, None

    def below(self, seen: Seen, factor: float | None = None) -> float:
        """One notch below the present scale; the rate in force is now known to be too high."""
        if factor is None:
            factor = self.settings.factor
        if seen.rate > 0:
            self.cap = min(self.cap, factor * seen.rate * self.arm.scale)
        return factor * self.arm.scale

    def restart(self, scale: float, reason: str) -> Move:
        """Go back to the first weights; their moments, too, are those of the start."""
        self._failed()
        self.n_lost += self.arm.n
        self._forget()
        self.shelf.clear()
        self.arm = Arm(scale, from_start=True)
        self.contest, self._unverified = None, "back to the start at a lower rate"
        return Move(kind="rewind", reason=reason, scale=scale, load="start")

    def challenge(
        self, seen: Seen, reason: str, *, to: Arm, n_steps: int, target: Mean | None = None
    ) -> Move:
        """Try a lower rate from the first weights; ``to`` goes on if that fails.

        Where the weights moved by many times their size the rate is lowered as many times: in nets
        that learn, the first steps move them by a good part of their size.
        """
        lowest = LOWEST_NOTCH if n_steps > N_QUICK else self.settings.factor
        notch = max(lowest, min(self.settings.factor, USUAL_MOVE / max(seen.moved(), 1.0)))
        scale, self.n_contests = notch * self.arm.scale, self.n_contests + 1
        self._forget()
        self._unverified = ""
        self.contest = Contest(incumbent=to, n_steps=n_steps, target=target, rival=self.arm)
        self.arm = Arm(scale, from_start=True)
        return Move(kind="rewind", reason=reason, scale=scale, load="start", save="incumbent")

    def come_back(self, reason: str, *, to: Arm | None = None) -> Move:
        """Give up what is in place and bring the incumbent back: that of the contest, or ``to``."""
        contest, self.contest = self.contest, None
        self.n_lost += self.arm.n
        self._forget()
        if contest is not None:
            self.arm = contest.incumbent
        if to is not None:
            self.arm = to
        return Move(kind="rewind", reason=reason, scale=self.arm.scale, load="incumbent")

    def go_back(self, good: Good, scale: float, step: int, reason: str) -> Move:
        """Bring a good snapshot back at this scale."""
        self._failed()
        self.n_lost += step - good.step
        self._forget()
        self.shelf.back_to(good)
        self.arm = Arm(scale, from_start=False)
        self.contest, self._unverified = None, "rewind and lower rate"
        return Move(kind="rewind", reason=reason, scale=scale, load=good.name)

    def _failed(self) -> None:
        if self._unverified and self.arm.n:
            self.tell(f"{self._unverified}: trouble is back after {self.arm.n} steps", helped=False)
        self._unverified = ""

    def _forget(self) -> None:
        self.n_back += 1
        self.recent.clear()
        self.trial = None
