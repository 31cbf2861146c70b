"""Second rung: a noise floor that a lower rate would lift, told from one that it would not."""

import math

from lrwatch.policy.arm import Arm
from lrwatch.policy.course import Course
from lrwatch.policy.floor import FLAT, SLOW, Progress, next_trial, progress
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.spread import Mean

N_CHASES = 2
N_CHASE_STEPS = 96
N_PROVEN_STEPS = 64
N_YOUNG, N_OLD, N_FIRST_TRIAL = 192, 1024, 128
MOVED, PART_MOVED = 1.0, 0.5
STIRRED = 0.1
ROOM = 0.4
LATER, SOON = 1.8, 1.3
N_AFTER_KEPT = 48
FAR = 1.5
WELL_BELOW = 0.5


class Settling:
    """Tries a lower rate in place where progress is slow, and from the start where little is won.

    Without any sign that the rate is too high a run must stand still for that: its loss no longer
    falls for certain, so that a trial which is refused has cost it nothing. While the schedule
    itself lowers the rate quickly, or that of a run known to be hot, it does nothing in place: that
    is the schedule's. Weights that hardly moved from the first ones were not moved by too high a
    rate.

    Args:
        course: Shared state.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._n_chases = 0
        self._warned_at = math.inf
        self._kept = self._suspected = False

    def judge(self, seen: Seen, *, warned: bool) -> Move | None:
        """A trial, its end, or a challenge from the start."""
        course, arm = self._course, self._course.arm
        if warned:
            self._warned_at = min(self._warned_at, seen.rate * arm.scale)
        self._suspected = (
            course.known_hot or self._kept or seen.rate * arm.scale > WELL_BELOW * self._warned_at
        )
        if course.trial:
            return self._end(seen)
        if not course.settings.trials or arm.ramp_to > arm.scale:
            return None
        if arm.n < arm.next_check and not (warned and arm.n >= 48):
            return None
        arm.next_check = int(1.25 * arm.n) + 1
        if not arm.steady():
            return None
        so_far = self._progress()
        if so_far.says_nothing() or (so_far.learnt and not self._is_slow(so_far)):
            return None  # before the weights are read, which costs more than all the rest
        return None if seen.moved() < STIRRED else self._slow(seen, so_far)

    def _slow(self, seen: Seen, so_far: Progress) -> Move | None:
        course, arm = self._course, self._course.arm
        if not so_far.learnt:
            move = self._nothing_learnt(seen, so_far)
            if move or seen.moved() < PART_MOVED:
                return move
        if not self._is_slow(so_far) or (min(arm.first) >= 0 and not so_far.can_be_beaten()):
            return None
        if not self._is_even(so_far):
            return self._chase(seen, so_far, to=arm) if so_far.slower_than(FLAT) else None
        if course.settings.factor * arm.scale < course.settings.floor:
            return None
        known_hot = course.known_hot or self._kept
        course.trial = next_trial(arm, so_far, known_hot=known_hot, again=self._kept)
        reason = f"slow progress: {so_far.gain:.3g} of {so_far.span:.3g} gained"
        return Move(kind="backoff", reason=reason, scale=course.settings.factor * arm.scale)

    def _progress(self) -> Progress:
        course = self._course
        age = max(0, course.n - course.n_lost - course.arm.n)
        return progress(course.arm, Mean(course.first_loss, course.recent.noise()), age)

    def _is_slow(self, so_far: Progress) -> bool:
        """Whether a lower rate is worth a trial: nothing is gained, or little by a suspect rate."""
        if self._suspected or self._course.settings.settle:
            return so_far.slower_than(SLOW)
        return so_far.n >= N_FIRST_TRIAL and so_far.stands_still()

    def _is_even(self, so_far: Progress) -> bool:
        """Whether a lower loss at a lower rate is not the schedule's own doing."""
        rates = self._course.arm.rates
        return so_far.slower_than(FLAT) or rates[-1] == rates[-4]

    def _nothing_learnt(self, seen: Seen, so_far: Progress) -> Move | None:
        course, arm = self._course, self._course.arm
        if not (course.can_compare and arm.from_start and self._n_chases < N_CHASES):
            return None
        odd = seen.moved() > 2 * FAR or course.launch.marked(arm)
        above = so_far.now.value > course.launch.level
        if arm.n > N_YOUNG or seen.moved() < MOVED or not (odd or above):
            return None
        if not course.affords(min(arm.n, N_CHASE_STEPS)):
            return None
        self._n_chases += 1
        reason = f"nothing learnt in {arm.n} steps, though the weights moved"
        return course.challenge(seen, reason, to=arm, n_steps=min(arm.n, N_CHASE_STEPS))

    def _end(self, seen: Seen) -> Move | None:
        course, arm, trial = self._course, self._course.arm, self._course.trial
        outcome = trial.outcome(seen.loss) if trial else None
        if trial is None or outcome is None:
            return None
        if outcome == "back":
            reason = f"loss {trial.level().value:.4g} at the lower rate: does the old one lose it?"
            return Move(kind="ramp", reason=reason, scale=arm.scale)
        course.trial = None
        kept, level = outcome == "kept", trial.level()
        said = f"a lower rate in place: {trial.before.now.value:.4g} to {level.value:.4g}"
        course.tell(said, helped=kept)
        soon = self._suspected and trial.before.slower_than(FLAT)
        arm.next_check = int((SOON if soon else LATER) * arm.n)
        lower = Arm(course.settings.factor * arm.scale, from_start=False) if kept else arm
        if kept:
            self._kept = self._suspected = True
            lower.next_check = max(N_AFTER_KEPT, arm.n // 8)
        best = min(level, trial.before.now, key=lambda mean: mean.value)
        chase = self._chase(seen, trial.before, to=lower, best=best.value if kept else None)
        if chase:
            return chase
        course.follow(lower)
        if kept:
            return Move(kind="backoff", reason=f"{said}: kept", scale=lower.scale)
        return Move(kind="ramp", reason=f"{said}: taken back", scale=arm.scale)

    def _chase(
        self, seen: Seen, so_far: Progress, *, to: Arm, best: float | None = None
    ) -> Move | None:
        course, proven, level = self._course, best is not None, so_far.now
        if best is not None:
            level = Mean(best, level.error)
        n_steps = self._steps_from_start(so_far, proven=proven)
        if not n_steps or not self._has_room(level.value):
            return None
        if not self._suspect(seen, proven=proven):
            return None
        self._n_chases += 1
        if proven:
            reason = "a lower rate is better: is it also better from the start?"
            n_steps = min(n_steps, N_PROVEN_STEPS)
            return course.challenge(seen, reason, to=to, n_steps=n_steps)
        reason = f"stuck at {level.value:.4g}: is a lower rate from the start better?"
        return course.challenge(seen, reason, to=to, n_steps=n_steps, target=level)

    def _steps_from_start(self, so_far: Progress, *, proven: bool) -> int:
        """How many steps a trial from the first weights may take; 0 where there is to be none.

        An older arm is left for one only where it stands still, at a lower rate, too: it loses
        nothing meanwhile. After a thousand steps too much else hangs on the weights.
        """
        course, arm = self._course, self._course.arm
        if not (arm.from_start and course.can_compare and self._n_chases < N_CHASES):
            return 0
        if arm.n > (N_OLD if course.alone else N_YOUNG):
            return 0  # among several ranks the one that saves the run cannot call a trial off
        if arm.n <= N_YOUNG:
            n_steps = min(arm.n, N_CHASE_STEPS)
            slow = proven or so_far.slower_than(SLOW)
            return n_steps if slow and course.affords(n_steps) else 0
        n_steps = min(arm.n // 2, course.room())
        stands = so_far.slower_than(FLAT) and not proven
        return n_steps if stands and n_steps >= N_CHASE_STEPS else 0

    def _suspect(self, seen: Seen, *, proven: bool = False) -> bool:
        """Whether the weights may be where no healthy run would be; only then they are left."""
        course, moved = self._course, seen.moved()
        if moved < MOVED:
            return False
        return proven or moved > FAR or course.launch.marked(course.arm)

    def _has_room(self, level: float) -> bool:
        first = self._course.launch.level
        return min(self._course.arm.first) < 0 or level > ROOM * first
