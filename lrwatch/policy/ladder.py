"""The ladder: skip the bad update, back off, rewind, stop; each rung verified, then the next."""

import math
from collections.abc import Mapping
from typing import Any

from lrwatch.policy.arm import Arm
from lrwatch.policy.asking import Asking
from lrwatch.policy.calm import Calm, calm
from lrwatch.policy.course import Course
from lrwatch.policy.hopeless import bounded, hopeless
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.raising import Raising
from lrwatch.policy.recent import N_RECENT
from lrwatch.policy.relapsing import Relapsing
from lrwatch.policy.sampling import Sampling
from lrwatch.policy.searching import Searching
from lrwatch.policy.settings import Backoff
from lrwatch.policy.settling import Settling
from lrwatch.policy.skipping import Skipping
from lrwatch.policy.starting import Starting

N_VERIFIED = 32
KEPT = ("n", "n_lost", "n_contests", "n_back", "n_lost_levels", "ceiling", "first_loss")


class Ladder:
    """Decides before every update what is to be done, if anything.

    A rate that ruins the run at its launch is left by going back to the first weights at a lower
    one, notch by notch, until the one that learns fastest is found. Where nothing is learnt,
    a lower rate from the first weights has to prove itself against the run as it is. Slow progress
    is tried at a lower rate in place. A loss that leaves its level brings the last good snapshot
    back. What does not gain is taken back: a loss that falls is left alone, and a rate that is too
    low is not lowered for good. A run that stays worse than it began is stopped.

    Args:
        settings: Bounds.
        n_slots: Snapshots that memory allows, >= 0.
        surrogate: Whether the value of the loss says nothing: then only what is not finite counts.
        total_steps: Length of the run, if known: no trial then begins that is of no use any more.

    Attributes:
        scale: Factor on the schedule's rate, in (0, 1].
        save: Snapshot to take now although no move asks for one.
        alone: Whether no other rank decides the same.
    """

    def __init__(
        self,
        settings: Backoff,
        *,
        n_slots: int = 6,
        surrogate: bool = False,
        total_steps: int | None = None,
    ) -> None:
        self._settings, self._surrogate = settings, surrogate
        self._budget = settings.budget
        self._resting, self._is_resumed = 0, False
        self._warned_hot = self._warned_lost = self._accused = False
        self.scale, self.alone = 1.0, True
        self.save: str | None = None
        self._course = Course(settings, n_slots, total_steps)
        searching, sampling = Searching(self._course), Sampling(self._course)
        self._asking = Asking(self._course)
        self._relapsing = Relapsing(self._course, searching, sampling, self._asking)
        self._skipping = Skipping(self._course, self._relapsing, surrogate=surrogate)
        self._starting = Starting(self._course, searching, sampling)
        self._settling = Settling(self._course)
        self._raising = Raising(self._course)

    @property
    def n_lost(self) -> int:
        """Steps whose work was given up so far."""
        return self._course.n_lost

    @property
    def calm(self) -> Calm | None:
        """Bounds up to which the next steps may be told late, to ``passed``; else None."""
        busy = self._resting or self._raising.trying or not self._skipping.idle
        busy = busy or self._asking.is_under_way
        n_left = N_RECENT - self._course.n % N_RECENT  # until it is asked whether it is hopeless
        return None if busy else calm(self._course, n_left)

    @property
    def is_on_trial(self) -> bool:
        """Whether weights are in place that :meth:`settle` would take back."""
        asks = self._asking.is_under_way or self._skipping.asks
        return asks or self._course.contest is not None

    def passed(self, seen: Seen) -> None:
        """Take note of a step whose update was made, as it was within the bounds of ``calm``."""
        self._course.n += 1
        self._course.arm.add(seen)
        self._course.recent.add(seen)

    def space_snapshots(self, n_steps: int) -> None:
        """Let about so many steps lie between two snapshots, as they are dear."""
        self._course.shelf.apart = n_steps

    def warn(self, *, hot: bool = False, lost: bool = False, accused: bool = False) -> None:
        """Take note of an alert: signs of a hot rate, a lost level, or the rate itself accused."""
        self._accused |= accused
        self._warned_hot |= hot
        self._warned_lost |= lost

    def decide(self, seen: Seen) -> list[Move]:
        """Outcomes of earlier moves, then at most one move."""
        course = self._course
        course.alone = self.alone
        self.save = "start" if course.n == 0 and course.can_restart else None
        if self._is_resumed:
            self._is_resumed = False
            self.save = course.shelf.put(seen.step, seen.rate * course.arm.scale)
        course.n += 1
        course.outcomes, course.n_changes_left = [], self._budget
        move = self._judge(seen)
        self._warned_hot = self._warned_lost = self._accused = False
        if move is not None and move.kind != "skip":
            move = bounded(move, self._settings)
            self._budget -= 1
        if move is not None and move.scale is not None:
            self.scale = move.scale
        return [*course.outcomes, *([move] if move else [])]

    def refuse(self) -> None:
        """Take note that the last move was not made (a dry run), and rest for the cooldown."""
        self._begin_anew()
        self._resting = self._settings.cooldown

    def leave_loss_out(self, why: str) -> list[Move]:
        """Look at nothing but what is not finite from here on, at the schedule's own rate."""
        moves, scale = self.settle(why), self.scale
        self._surrogate = self._skipping.surrogate = True
        self._begin_anew()
        return moves if scale == 1.0 else [*moves, Move(kind="ramp", reason=why, scale=1.0)]

    def _begin_anew(self) -> None:
        self.scale = 1.0
        self._asking.drop()
        self._skipping.drop()
        self._course.contest = None
        self._course.follow(Arm(1.0, from_start=False))
        self._course.recent.clear()

    def _judge(self, seen: Seen) -> Move | None:
        course = self._course
        if self._resting:
            self._resting -= 1
            return None
        if self._asking.is_under_way:
            return self._asking.judge(seen)
        finite = math.isfinite(seen.loss) and math.isfinite(seen.grad_norm or 0.0)
        if finite and math.isnan(course.first_loss):
            course.first_loss = seen.loss
        if finite and course.arm.n == 0 and course.arm.from_start:
            course.launch.add(seen)
        move = self._skipping.judge(seen)
        if move or not finite:
            return move
        course.arm.add(seen, on_trial=course.trial is not None or self._raising.trying)
        course.recent.add(seen)
        if course.arm.n == N_VERIFIED:
            course.verify()
        if self._surrogate:
            self._keep(seen)
            return None
        if "stop" in self._settings.rungs and (why := hopeless(course)):
            return Move(kind="stop", reason=why)
        return self._rate(seen) if self._budget > 0 else None

    def _rate(self, seen: Seen) -> Move | None:
        course = self._course
        if course.may_lower:
            move = self._starting.judge(seen, accused=self._accused)
            if move or course.contest:
                return move
        move = None
        if not course.trial:
            move = self._relapsing.judge(seen, warned=self._warned_lost)
        move = move or self._raising.judge(seen)
        if course.may_lower and not self._raising.trying:
            move = move or self._settling.judge(seen, warned=self._warned_hot)
        if not move and not course.trial:
            self._keep(seen)
        return move

    def _keep(self, seen: Seen) -> None:
        course = self._course
        is_due = not self.save and course.shelf.is_due(course.arm.n, course.n)
        if is_due and not self._relapsing.jumped(seen) and (self._surrogate or course.stands_low):
            rate = seen.rate * course.arm.scale
            self.save = course.shelf.take(seen.step, course.arm.n, rate, course.n)

    def given_weights(self) -> None:
        """Take weights that others have loaded for the run's own: nothing older is to come back."""
        if self._course.n and not self._is_resumed:
            self._course.accept_change()
            self._is_resumed = True

    def settle(self, why: str) -> list[Move]:
        """End what has unproven or older weights in place: they must not outlive it.

        Args:
            why: What happens to the run: it is saved, or it ends.
        """
        course = self._course
        asked = self._skipping.drop() | self._asking.drop()
        if asked:
            return [
                Move(kind="rewind", reason=f"{why}: older weights are asked no more", load="held")
            ]
        if course.contest is None:
            return []
        reason = f"{why}: the trial from the start is called off"
        course.outcomes = []
        course.tell(reason, helped=False)
        move = course.come_back(reason)
        self.scale = course.arm.scale
        return [*course.outcomes, move]

    def state_dict(self) -> dict[str, Any]:
        """Scale, budget and what was learnt about the rate, as JSON can hold them.

        A rate that is on trial in place is not in it: the run goes on at the one before.
        """
        course = self._course
        kept = {name: getattr(course, name) for name in KEPT}
        scale, highest = self._raising.before
        cap = None if math.isinf(highest) else highest
        first = None if math.isnan(course.first_loss) else course.first_loss
        ramp_to, resting = course.arm.ramp_to, self._resting
        own = {"scale": scale, "budget": self._budget, "cap": cap}
        return {**kept, **own, "first_loss": first, "ramp_to": ramp_to, "resting": resting}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on as the run whose state this is, from its weights; its first are out of reach."""
        course = self._course
        for name in KEPT:
            setattr(course, name, state.get(name, getattr(course, name)))
        course.first_loss = math.nan if state["first_loss"] is None else state["first_loss"]
        course.cap = math.inf if state["cap"] is None else state["cap"]
        self.scale, self._budget = state["scale"], state["budget"]
        self._resting = state["resting"]
        course.start_is_gone()
        arm = Arm(self.scale, from_start=False)
        arm.ramp_to = state["ramp_to"]
        course.follow(arm)
        self._is_resumed = True
