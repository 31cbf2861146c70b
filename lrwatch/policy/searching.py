"""After a launch that was too hot: the rate that learns fastest, and from there a part of it."""

import math

from lrwatch.policy.arm import Arm
from lrwatch.policy.course import Course
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.spread import Mean, mean_of

# A trial ends where the first notch is so many standard errors below the first loss.
ENDS = {16: 4.0, 24: 3.0, 36: -math.inf}
N_TAIL = 8
LOOKS = (12, 16, 20)
MOVED, FAR = 0.1, 20.0
LONG_RUN, UNDER_SCHEDULE = 0.5, 0.7
ROOM_ABOVE = 1.0
STANDS = 0.15


class Searching:
    """Goes down by notches, each for some steps from the first weights, until one is slower.

    The rate that brings a run furthest in a few steps is too high for a long one: half of it is
    where the long run begins, 0.7 where the schedule moves the rate, and
    :mod:`lrwatch.policy.settling` may lower it later. Where two notches in a row are as fast as one
    another, the fastest rate lies between them, unless both have learnt what is easy and fall no
    further: that says nothing of their speed, and the search goes on. A notch that stands above the
    first loss is left before its end; one that has not left it yet is given more steps. A search is
    done once in a run.

    Args:
        course: Shared state.

    Attributes:
        active: Whether a search is under way.
        done: Whether one came to its end.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._before: Arm | None = None
        self._n_steps = max(ENDS)
        self.done = self.active = False

    def begin(self) -> bool:
        """Search from this arm on; False where that was done, or is not allowed."""
        if self.done or not self._course.can_compare:
            return False
        self.active, self._before, self._n_steps = True, None, max(ENDS)
        return True

    def judge(self, seen: Seen) -> Move | None:
        """A notch down, or the end of the search."""
        course, arm = self._course, self._course.arm
        if not arm.from_start:
            self.active = False
            return None
        if arm.n in LOOKS and self._gained(arm, N_TAIL) < -2 and seen.moved() > MOVED:
            return self.leave(seen, f"above the first loss still after {arm.n} steps")
        if self._before is None and arm.n in ENDS and self._gained(arm, N_TAIL) >= ENDS[arm.n]:
            self._n_steps = arm.n
        if arm.n < self._n_steps:
            return None
        lead = math.inf if self._before is None else self._lead(arm, self._before)
        settings = course.settings
        is_lowest = settings.factor * arm.scale < settings.floor
        says_nothing = -1 <= lead <= 1 and self._stands(arm)
        if (lead <= 1 and not says_nothing) or is_lowest or not course.affords(self._n_steps):
            return self._end(seen, lead)
        course.verify()
        self._before = arm
        reason = f"does a lower rate learn faster in {self._n_steps} steps?"
        return course.restart(course.below(seen), reason)

    def leave(self, seen: Seen, reason: str) -> Move:
        """A notch down; two where the weights were thrown by many times their size."""
        course, factor = self._course, self._course.settings.factor
        return course.restart(course.below(seen, factor ** (1 + (seen.moved() > FAR))), reason)

    def _end(self, seen: Seen, lead: float) -> Move | None:
        course, arm, settings = self._course, self._course.arm, self._course.settings
        self.active, self.done = False, True
        course.verify()
        fastest = seen.rate * arm.scale
        if self._before is not None:
            fastest /= settings.factor if lead < -1 else math.sqrt(settings.factor)
        course.tell(f"a rate of {fastest:.3g} learns fastest from the start", helped=True)
        part = LONG_RUN if max(arm.rates) == min(arm.rates) else UNDER_SCHEDULE
        course.cap = max(part * fastest, settings.floor * seen.rate)
        course.ceiling = ROOM_ABOVE * fastest
        arm.scale = min(course.cap / seen.rate, 1.0) if seen.rate > 0 else arm.scale
        reason = f"{part} of the rate that learns fastest at first, for the long run"
        return Move(kind="backoff", reason=reason, scale=arm.scale)

    def _gained(self, arm: Arm, n: int) -> float:
        """How far the last losses are below the first one, in standard errors."""
        launch, tail = self._course.launch, mean_of(arm.first[arm.n - n : arm.n])
        noise = tail.error * math.sqrt(n)
        error = noise * math.sqrt(1 / n + 1 / launch.n)
        return (launch.level - tail.value) / error if error > 0 else math.inf

    def _lead(self, arm: Arm, before: Arm) -> float:
        """How far this arm is ahead of the one before it, in standard errors."""
        ours, theirs = self._tail(arm), self._tail(before)
        error = ours.apart(theirs)
        return (theirs.value - ours.value) / error if error > 0 else 0.0

    def _stands(self, arm: Arm) -> bool:
        """Whether it hardly fell in its last third: what was easy is learnt, at either rate."""
        n, third = self._n_steps, self._n_steps // 3
        before, now = mean_of(arm.first[third : 2 * third]), mean_of(arm.first[n - third : n])
        fell = before.value - now.value + before.apart(now)
        return fell <= STANDS * (self._course.launch.level - now.value)

    def _tail(self, arm: Arm) -> Mean:
        return mean_of(arm.first[self._n_steps * 2 // 3 : self._n_steps])
