"""First rung: a bad batch is kept from the weights, and in a row of them the culprit is found."""

import math

from lrwatch.policy.course import Course
from lrwatch.policy.launch import N_STEPS
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.outage import N_PATIENT, Outage
from lrwatch.policy.rare import Rare
from lrwatch.policy.relapsing import Relapsing

N_AFTER_ACCEPTED = 40


class Skipping:
    """Leaves out updates whose gradient is not finite or whose batch stands out.

    Args:
        course: Shared state.
        relapsing: Asked for a lower rate where the weights turn out to be the culprit.
        surrogate: Whether the loss says nothing, so that no batch stands out.
    """

    def __init__(self, course: Course, relapsing: Relapsing, *, surrogate: bool = False) -> None:
        self.surrogate, self._rare = surrogate, Rare()
        self._course = course
        self._relapsing = relapsing
        self._outage = Outage()
        self._accepted_at = -N_AFTER_ACCEPTED

    @property
    def idle(self) -> bool:
        """Whether no update was left out lately, and no new level accepted."""
        since = self._course.n - self._accepted_at
        return not self._outage.n and not self._outage.asked and since >= N_AFTER_ACCEPTED

    @property
    def asks(self) -> bool:
        """Whether older weights are in place, to be looked at."""
        return self._outage.asked

    def drop(self) -> bool:
        """Ask no more; whether older weights are in place that nobody asks about now."""
        was_asking = self._outage.asked
        if was_asking:
            self._outage.clear()
        return was_asking

    def judge(self, seen: Seen) -> Move | None:
        """A move where this batch is bad, or where the culprit of earlier ones is now known."""
        if not math.isfinite(seen.loss) or not math.isfinite(seen.grad_norm or 0.0):
            return self._not_finite(seen)
        course = self._course
        if course.n - self._accepted_at < N_AFTER_ACCEPTED:
            return None
        strange = None if self.surrogate else course.recent.stands_out(seen, course.first_loss)
        if strange and not self._outage.n and self._rare.is_known(seen):
            return None
        if strange:
            return self._strange(seen, strange)
        return self._recovered(seen) if self._outage.n else None

    def _strange(self, seen: Seen, reason: str) -> Move | None:
        self._rare.add(seen)
        self._outage.n += 1
        self._course.n_lost += 1
        if self._outage.n <= N_PATIENT:
            return self._skip(reason)
        if self._outage.n == N_PATIENT + 1:
            asked = self._ask(seen, "the loss stays high with the weights held still")
            if asked:
                return asked
            course = self._course
            young = course.arm.from_start and course.arm.n <= 2 * N_STEPS
            if course.known_hot and young and course.can_restart:
                self._outage.clear()
                return course.restart(course.below(seen), f"{reason}, soon after the start")
        if self._outage.n <= self._course.settings.hold:
            return self._skip(reason)
        self._accepted_at = self._course.n
        self._course.accept_change()
        return self._give_up_asking(f"new level of the loss accepted: {reason}")

    def _not_finite(self, seen: Seen) -> Move | None:
        course, outage = self._course, self._outage
        outage.n += 1
        course.n_lost += 1
        reason = "loss or gradient is not finite"
        if outage.n > course.settings.hold and "stop" in course.settings.rungs:
            return Move(kind="stop", reason=f"{reason}, {outage.n} times in a row")
        young = course.arm.from_start and 0 < course.arm.n <= N_STEPS
        if outage.n >= 2 and young and course.can_restart:
            outage.clear()
            return course.restart(course.below(seen), f"{reason}, at the start of the run")
        if outage.n == 2:
            asked = self._ask(seen, f"{reason} with the weights held still")
            if asked:
                return asked
            if course.arm.n and course.can_restart:
                outage.clear()
                return course.restart(course.below(seen), f"{reason}, and no later snapshot")
        return self._skip(reason)

    def _skip(self, reason: str) -> Move | None:
        if "skip" not in self._course.settings.rungs:
            return None
        return Move(kind="skip", reason=reason)

    def _ask(self, seen: Seen, reason: str) -> Move | None:
        good = self._course.shelf.trusted(seen.step)
        may_ask = self._course.can_hold and self._course.n_changes_left >= 2
        if good is None or self._outage.asked or not may_ask:
            return None
        self._outage.ask()
        said = f"{reason}: are the weights to blame? Those of step {good.step} are asked"
        return Move(kind="rewind", reason=said, load=good.name, save="held")

    def _recovered(self, seen: Seen) -> Move | None:
        outage, n = self._outage, self._outage.n
        if outage.asked and outage.blames_weights:
            outage.clear()
            return self._relapsing.blame_weights(seen)
        if "skip" in self._course.settings.rungs:
            what = "1 update" if n == 1 else f"{n} updates in a row"
            self._course.tell(f"{what} left out, and now a batch like those before", helped=True)
        return self._give_up_asking("the data were to blame, not the weights")

    def _give_up_asking(self, reason: str) -> Move | None:
        asked = self._outage.asked
        self._outage.clear()
        return Move(kind="rewind", reason=reason, load="held") if asked else None
