"""The launch: which signs lead back to the first weights, and to a search for the rate."""

from collections.abc import Callable
from functools import partial

from lrwatch.policy.course import Course
from lrwatch.policy.launch import FAR_OFF, N_STEPS
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.sampling import Sampling
from lrwatch.policy.searching import Searching

N_HOLDS = 24
N_CONTESTS = 4
NOTCH_UNDER_SCHEDULE = 0.7
BELOW_HELD = 0.45
UNTRIED = 0.5
BELOW_WINNER = 0.5
N_DOUBT_STEPS, N_LATE = 96, 256
N_LAST = 3


class Starting:
    """Leaves a rate that ruins the run at its start.

    Args:
        course: Shared state.
        searching: Looks for the rate once the launch is known to be too hot.
        sampling: Asks whether the first loss was a low batch's.
    """

    def __init__(self, course: Course, searching: Searching, sampling: Sampling) -> None:
        self._course = course
        self._searching = searching
        self._sampling = sampling
        self._margin_due = self._bent = self._was_stuck = False

    def judge(self, seen: Seen, *, accused: bool = False) -> Move | None:
        """A restart, the end of a contest, or a step below the rate that brought trouble.

        Args:
            seen: The step.
            accused: Whether an alert says that the rate is too high. It may be wrong: a lower rate
                is tried from the start only where the weights are far from where they began.
        """
        course = self._course
        if self._sampling.is_due:
            move = self._sampling.judge(seen)
            if move:
                return move
        if accused and not course.known_hot and course.arm.from_start and self._may_doubt():
            n = min(course.arm.n, N_DOUBT_STEPS)
            if course.arm.n > N_LATE:
                course.below(seen, 1.0)
            elif n >= N_HOLDS and course.affords(n) and seen.moved() > FAR_OFF:
                return course.challenge(
                    seen, "the rate is too high, says an alert", to=course.arm, n_steps=n
                )
        if course.arm.from_start and course.arm.n <= N_STEPS:
            if course.launch.ruined(course.arm, seen):
                return self._leave(seen)
            if self._may_doubt() and course.launch.stands_still(course.arm, seen):
                n = course.arm.n
                said = f"nothing learnt in {n} steps, though the weights moved far"
                if self._searching.active:
                    return self._searching.leave(seen, said)
                return course.challenge(seen, said, to=course.arm, n_steps=n)
        if course.contest:
            return self._compare(seen)
        if self._searching.active:
            return self._searching.judge(seen) or self._below_trouble(seen)
        if course.arm.from_start and self._may_doubt() and course.launch.stuck(course.arm, seen):
            n = course.arm.n
            said = f"stuck at {seen.loss:.4g}, weights far from where a run begins to learn"
            if course.affords(N_STEPS) and not (self._was_stuck or self._searching.done):
                self._was_stuck = True
                return course.challenge(seen, said, to=course.arm, n_steps=min(n, N_STEPS))
        return self._below_trouble(seen)

    def _leave(self, seen: Seen) -> Move | None:
        course = self._course
        reason = f"loss {seen.loss:.4g}, {course.launch.level:.4g} at the start"
        if not course.can_restart:
            return None
        undo = partial(self._resume, self._searching.active, self._margin_due, self._bent)
        settled = not self._margin_due and not self._searching.active
        if settled and not self._bent and course.cap < float("inf"):
            # The rate is lower already: what shows now was done before it was.
            self._bent = True
            return self._again(
                seen, f"{reason}: weights bent by the rate before", undo, notch=False
            )
        self._margin_due = not self._searching.begin()
        return self._again(seen, reason, undo)

    def _resume(self, is_searching: bool, margin_due: bool, bent: bool) -> None:
        self._searching.active, self._margin_due, self._bent = is_searching, margin_due, bent

    def _again(
        self, seen: Seen, reason: str, undo: Callable[[], None], *, notch: bool = True
    ) -> Move:
        launch, arm = self._course.launch, self._course.arm
        return self._sampling.restart(
            seen,
            reason,
            loss=min(arm.first[-2:]),
            holds=partial(launch.is_above, arm.first[1:][-N_LAST:]),
            is_steep=launch.is_steep(arm),
            notch=notch,
            undo=undo,
        )

    def _may_doubt(self) -> bool:
        course = self._course
        return course.can_compare and not course.contest and course.n_contests < N_CONTESTS

    def _compare(self, seen: Seen) -> Move | None:
        course = self._course
        outcome = course.contest.outcome(course.arm) if course.contest else None
        if outcome is None or course.contest is None:
            return None
        if outcome == "lost":
            course.tell("a lower rate from the start is no better", helped=False)
            return course.come_back("a lower rate from the start is no better")
        rival = course.contest.rival or course.contest.incumbent
        course.n_lost += rival.n
        course.contest = None
        course.tell("a lower rate from the start is better", helped=True)
        self._margin_due = False
        if self._searching.begin():
            course.below(seen, 1.0)
            return self._searching.judge(seen)
        notch = course.arm.scale / rival.scale
        course.ceiling = seen.rate * course.arm.scale * (2.0 if notch < 0.1 else BELOW_HELD)
        factor = BELOW_WINNER if notch > 0.9 * course.settings.factor else 1.0
        course.arm.scale = course.below(seen, factor)
        if factor == 1.0:
            return None
        reason = "the first rate that learns is still a high one"
        return Move(kind="backoff", reason=reason, scale=course.arm.scale)

    def _below_trouble(self, seen: Seen) -> Move | None:
        course = self._course
        holds = self._margin_due and course.arm.from_start and course.arm.n >= N_HOLDS
        if holds:
            self._margin_due = False
            # A rate that rises has not been tried yet where it is bounded.
            course.ceiling = BELOW_HELD * course.cap
            rises = course.arm.rates[-1] > course.arm.rates[0]
            course.cap *= UNTRIED if rises else course.settings.margin
        if seen.rate * course.arm.scale <= 1.02 * course.cap:
            return None
        reason = "a margin below the rate that brought trouble"
        if holds:
            course.verify()
            return course.restart(course.cap / seen.rate, f"{reason}, on weights that never saw it")
        course.arm.scale = NOTCH_UNDER_SCHEDULE * course.cap / seen.rate
        return Move(kind="backoff", reason=reason, scale=course.arm.scale)
