"""Back up after a launch was rescued: a margin that was too wide is taken back step by step."""

from lrwatch.policy.arm import Arm
from lrwatch.policy.course import Course
from lrwatch.policy.move import Move, MoveKind, Seen
from lrwatch.policy.spread import Mean, mean_of

N_WINDOW = 24
UP = 1.8
FASTER = 1.3
STEADY = 1.1


class Raising:
    """Tries a higher rate in place and keeps it where the loss falls faster for it.

    Only after a rescue, and never above a half of the rate that held then. A rate that is too low
    shows at once: the loss falls in proportion to it. Let a, b be the means of the last two windows
    of 24 losses before, c that of the second window at the higher rate, and e that of the second
    window after the old rate came back. The higher rate stays if ``(b - c) / 2`` exceeds
    ``a - b`` and ``(c - e) / 2`` by 1.3 times: a run that learns faster and faster by itself falls
    on when the old rate is back. Else it is tried again after twice as many steps.

    Args:
        course: Shared state.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._arm: Arm | None = None
        self._losses: list[float] = []
        self._due = 2 * N_WINDOW
        self._cap = 0.0

    @property
    def trying(self) -> bool:
        """Whether a higher rate is on trial."""
        return self._arm is self._course.arm

    @property
    def before(self) -> tuple[float, float]:
        """Scale and cap as they were before the trial, or are where there is none."""
        course = self._course
        if not self.trying:
            return course.arm.scale, course.cap
        up = UP if len(self._losses) < 4 * N_WINDOW else 1.0
        return course.arm.scale / up, self._cap

    def judge(self, seen: Seen) -> Move | None:
        """A step up, back from it, or up to stay."""
        if not self.trying:
            return self._begin(seen)
        self._losses.append(seen.loss)
        if len(self._losses) == 4 * N_WINDOW:
            return self._return()
        return self._end(seen) if len(self._losses) == 6 * N_WINDOW else None

    def _begin(self, seen: Seen) -> Move | None:
        course, arm = self._course, self._course.arm
        scale, recent = UP * arm.scale, course.recent.losses
        if not 0.0 < scale * seen.rate <= course.ceiling or scale > 1.0:
            return None
        if arm.n < self._due or course.trial or len(recent) < 2 * N_WINDOW:
            return None
        past = arm.rates[-min(2 * N_WINDOW, len(arm.rates))]
        if not past / STEADY < arm.rates[-1] < past * STEADY:
            return None
        losses = recent[-2 * N_WINDOW :]
        a, b = mean_of(losses[:N_WINDOW]), mean_of(losses[N_WINDOW:])
        if a.value - b.value < 2 * a.apart(b):
            self._due = arm.n + N_WINDOW
            return None
        self._arm, self._losses = arm, losses
        self._cap, course.cap = course.cap, max(course.cap, scale * seen.rate)
        return self._to(scale, "ramp", "rescued: is a higher rate faster?")

    def _return(self) -> Move | None:
        a, b, c = self._window(0), self._window(1), self._window(3)
        faster = b.value - c.value > 2 * max(FASTER * (a.value - b.value), c.apart(b))
        if not faster:
            return self._refuse()
        scale = self._course.arm.scale / UP
        return self._to(scale, "backoff", "faster: does it slow down at the old rate?")

    def _end(self, seen: Seen) -> Move | None:
        course = self._course
        b, c, e = self._window(1), self._window(3), self._window(5)
        if b.value - c.value < FASTER * (c.value - e.value):
            return self._refuse()
        course.tell("a higher rate is faster", helped=True)
        self._arm, self._due = None, course.arm.n + N_WINDOW
        return self._to(UP * course.arm.scale, "ramp", "a higher rate is faster")

    def _refuse(self) -> Move | None:
        course = self._course
        self._arm, self._due = None, 2 * course.arm.n
        course.cap = self._cap
        course.tell("a higher rate is no faster", helped=False)
        if len(self._losses) == 6 * N_WINDOW:
            return None
        return self._to(course.arm.scale / UP, "backoff", "back to the rate before")

    def _to(self, scale: float, kind: MoveKind, reason: str) -> Move:
        self._course.arm.scale = scale
        return Move(kind=kind, reason=reason, scale=scale)

    def _window(self, index: int) -> Mean:
        return mean_of(self._losses[index * N_WINDOW : (index + 1) * N_WINDOW])
