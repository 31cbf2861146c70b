"""The first loss is one batch's: is it a low one, for whose sake a launch was called too hot?"""

from typing import Literal

from lrwatch.policy.arm import Arm
from lrwatch.policy.course import Course
from lrwatch.policy.launch import MANY

Verdict = Literal["too hot", "not sure", "a low batch"]


class Sampling:
    """Judges a ruined launch again by what its successor sees at the first weights.

    With one to four samples a batch the first loss may be a hundredth of what it is on the
    average, and then all that follow look like ruin. Every arm that begins at the first weights
    shows one more loss there. Where it agrees with those before it, nothing is asked; else the
    first weights are held until eight losses are known.

    Args:
        course: Shared state.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._accused: Arm | None = None
        self._cap = course.cap

    @property
    def is_due(self) -> bool:
        """Whether a launch stands accused, and the first weights were seen again just now."""
        return self._accused is not None and self._course.arm.n == 1

    def accuse(self, cap: float) -> None:
        """Take note that the present arm is left as too hot; ``cap`` was in force before."""
        if self._course.launch.n < MANY:
            self._accused, self._cap = self._course.arm, cap

    def judge(self) -> Verdict:
        """What is known now; by a low batch the accused rate comes back, from the first weights."""
        course, accused = self._course, self._accused
        if accused is None or not course.arm.from_start:
            self._accused = None
            return "too hot"
        launch = course.launch
        if not launch.is_sure(accused):
            course.n_lost += 1
            course.follow(Arm(course.arm.scale, from_start=True))
            return "not sure"
        self._accused = None
        if launch.was_ruined(accused):
            return "too hot"
        course.cap = self._cap
        course.arm.scale = accused.scale
        return "a low batch"
