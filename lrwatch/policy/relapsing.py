"""Third rung: a loss that left its level for good brings back the last good weights."""

import math
from functools import partial

from lrwatch.policy.arm import N_BEFORE_CHECK, Arm
from lrwatch.policy.asking import Asking, Question
from lrwatch.policy.course import Course
from lrwatch.policy.launch import FAR_OFF, N_STEPS
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.sampling import Sampling
from lrwatch.policy.searching import Searching
from lrwatch.policy.shelf import Good

N_MEDIAN = 16
LOST = 0.4
LOST_AFTER_RISE = 0.03
N_NOISE = 4.0
RISE = 1.5
NOTCH_UP = 1.8
BELOW_TROUBLE = 0.55
N_LAUNCH = 256
BENT = 1.0
N_YOUNG = 128
N_CLIMB = 8
N_RISING, RISEN = 64, 1.02
N_SHOWN = 32


class Relapsing:
    """Rewinds where the median of 16 losses gave back 0.4 of what the run had gained.

    Where the rate was raised above all that have proven themselves, far less will do, and the rate
    goes back to those: a schedule that begins again where it once was raises nothing. Elsewhere it
    goes one notch down and up again when all is quiet: all the way after the first time, to a
    little more than half of the rate that brought trouble after the second, not at all later, nor
    where the schedule was raising the rate, nor in the first 256 steps unless a search has found
    the rate. A warm-up raises the rate between any two snapshots, and is no such rise: losses come
    and go in the first steps of a healthy run.

    Args:
        course: Shared state.
        searching: Begins where the weights of a young run are worse than the first ones.
        sampling: Asks whether the first loss was a low batch's.
        asking: Asks whether the older weights are any better.
    """

    def __init__(
        self, course: Course, searching: Searching, sampling: Sampling, asking: Asking
    ) -> None:
        self._course = course
        self._asking = asking
        self._searching = searching
        self._sampling = sampling

    def judge(self, seen: Seen, *, warned: bool) -> Move | None:
        """A rewind where the level is lost, or a notch up where it was quiet for long."""
        course, recent = self._course, self._course.recent
        if len(recent.losses) < N_MEDIAN or course.arm.n < 2 * N_MEDIAN:
            return self._up(seen)
        level, now = course.arm.stretch.lowest(before=N_MEDIAN), recent.middle(N_MEDIAN)
        lost = now - level > self._allowed(seen, level, warned) and math.isfinite(level)
        if lost and now - level > N_NOISE * recent.noise():
            return self._back(seen, f"loss {now:.4g}, it had been {level:.4g}", now)
        if not self._worse(now, level) or seen.moved() <= 0.1 or not course.can_restart:
            return self._up(seen)
        return self._sampling.restart(
            seen,
            f"loss {now:.4g}, above the first, {course.launch.level:.4g}",
            loss=now,
            holds=partial(self._above, now, level, recent.noise()),
        )

    def _worse(self, now: float, level: float) -> bool:
        if not self._course.arm.from_start:
            return False
        return self._above(now, level, self._course.recent.noise())

    def _above(self, now: float, level: float, noise: float) -> bool:
        """Whether the median loss is above the first ones by more than chance."""
        first = self._course.launch.level
        return now - first > max(0.1 * abs(first - level), 3 * noise)

    def blame_weights(self, seen: Seen) -> Move | None:
        """Go on from the older weights that are in place, at a lower rate."""
        course = self._course
        if not course.may_lower:
            course.tell("the weights were to blame, not the data", helped=True)
            return None
        scale = self._lower(seen)
        arm = Arm(scale, from_start=False)
        arm.next_check = self._next_check(seen)
        arm.ramp_to = self._ramp_to(seen)
        young = course.arm.from_start and N_MEDIAN <= course.arm.n < N_LAUNCH
        if young and course.can_compare and seen.moved() > BENT and course.affords(N_STEPS):
            n_steps = min(course.arm.n, N_STEPS)
            return course.challenge(
                seen, "weights bent by the first steps", to=arm, n_steps=n_steps
            )
        course.follow(arm)
        return Move(kind="backoff", reason="the weights were to blame, not the data", scale=scale)

    def jumped(self, seen: Seen) -> bool:
        """Whether the rate jumped so lately that what it does has not shown yet."""
        rates = self._course.arm.rates
        before = rates[-min(len(rates), N_SHOWN)]
        return self._raised(seen) and seen.rate > RISE * before

    def _allowed(self, seen: Seen, level: float, warned: bool) -> float:
        gained = max(self._course.first_loss - level, 0.0)
        jumped = self._raised(seen) and not self._climbing(seen)
        return (LOST_AFTER_RISE if warned or jumped else LOST) * gained

    def _climbing(self, seen: Seen) -> bool:
        """Whether the schedule raises the rate bit by bit, as a warm-up does."""
        rates = self._course.arm.rates
        return rates[0] < rates[max(-len(rates), -N_CLIMB)] < seen.rate

    def _raised(self, seen: Seen) -> bool:
        proven = self._course.shelf.proven(seen.step)
        return proven > 0 and seen.rate * self._course.arm.scale > RISE * proven

    def _back(self, seen: Seen, reason: str, now: float) -> Move | None:
        course, good = self._course, self._course.shelf.trusted(seen.step)
        young = course.arm.from_start and course.arm.n <= N_YOUNG and course.affords(course.arm.n)
        thrown = course.known_hot or now > course.launch.level or seen.moved() > FAR_OFF
        if good is None or (young and thrown):
            return self._ask_first(seen, reason, now)
        go = partial(self._go_back, reason=reason)
        if not self._asking.is_possible:
            return go(seen, good)
        older = course.shelf.all_trusted(seen.step)
        level = course.arm.stretch.lowest(before=N_MEDIAN)
        return self._asking.ask(Question(older=older, level=level, now=now, go=go), reason)

    def _ask_first(self, seen: Seen, reason: str, now: float) -> Move | None:
        """Back to the first weights, if they do better on the batches of today."""
        course, level = self._course, self._course.launch.level
        known = course.arm.from_start and course.can_restart and course.may_lower
        if not (known and self._asking.is_possible and now > level):
            return self._leave(seen, reason)
        first = Good("start", 0, 0.0, wait=0)
        question = Question(
            older=[first], level=level, now=now, go=lambda seen, _: self._leave(seen, reason)
        )
        return self._asking.ask(question, reason)

    def _leave(self, seen: Seen, reason: str) -> Move | None:
        """Back to the first weights, or on from here where no weights can be kept; lower."""
        course = self._course
        if not course.may_lower or (course.can_hold and not course.can_restart):
            return None  # the task was another one when they were the first
        scale = course.below(seen)
        self._searching.begin()
        if course.can_restart:
            return course.restart(scale, reason)
        course.follow(Arm(scale, from_start=False))
        course.recent.clear()
        return Move(kind="backoff", reason=reason, scale=scale)

    def _go_back(self, seen: Seen, good: Good, *, reason: str) -> Move:
        course = self._course
        scale, ramp_to, next_check = self._lower(seen), self._ramp_to(seen), self._next_check(seen)
        if self._at_launch() or (course.known_hot and self._rising(seen)):
            course.below(seen, course.settings.margin if self._rising(seen) else None)
        move = course.go_back(good, scale, seen.step, reason)
        course.arm.ramp_to, course.arm.next_check = ramp_to, next_check
        return move

    def _lower(self, seen: Seen) -> float:
        course, arm = self._course, self._course.arm
        if not course.may_lower:
            return arm.scale
        if self._raised(seen):
            return max(course.shelf.proven(seen.step) / seen.rate, course.settings.floor)
        return course.settings.factor * arm.scale

    def _next_check(self, seen: Seen) -> int:
        """When to look for a floor: late where the rate goes back to one that was long in force."""
        return max(N_BEFORE_CHECK, self._course.n // 2 if self._raised(seen) else 0)

    def _rising(self, seen: Seen) -> bool:
        rates = self._course.arm.rates
        return len(rates) > 1 and seen.rate > RISEN * rates[-min(N_RISING, len(rates))]

    def _ramp_to(self, seen: Seen) -> float:
        self._course.n_lost_levels += 1
        if (
            self._rising(seen)
            or self._at_launch()
            or self._raised(seen)
            or self._course.n_lost_levels > 2
            or not self._course.settings.ramp
        ):
            return 0.0
        innocent = self._course.n_lost_levels == 1 and not self._course.known_hot
        return self._course.arm.scale * (1.0 if innocent else BELOW_TROUBLE)

    def _at_launch(self) -> bool:
        return self._course.n < N_LAUNCH and not self._searching.done

    def _up(self, seen: Seen) -> Move | None:
        course, arm = self._course, self._course.arm
        if arm.ramp_to <= arm.scale or arm.n % course.settings.cooldown:
            return None
        higher = Arm(min(arm.ramp_to, NOTCH_UP * arm.scale), from_start=False)
        higher.ramp_to = arm.ramp_to
        course.follow(higher)
        reason = f"quiet for {arm.n} steps"
        return Move(kind="ramp", reason=reason, scale=higher.scale)
