"""The first loss is one batch's: is it a low one, for whose sake a run was taken for ruined?"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from lrwatch.policy.arm import Arm
from lrwatch.policy.contest import Contest
from lrwatch.policy.course import Course
from lrwatch.policy.move import Move, Seen

Verdict = Literal["too hot", "not sure", "a low batch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What brought a run back to its first weights.

    Attributes:
        arm: The one that was left.
        cap: Rate that was not to be passed before.
        contest: The one it was in, if any.
        loss: What stood above the first losses.
        holds: Whether it is still too high, after more of them.
        is_steep: Whether the gradient had grown by more than the loss.
        is_kept: Whether the run that was left can be brought back.
    """

    arm: Arm
    cap: float
    contest: Contest | None
    loss: float
    holds: Callable[[], bool]
    is_steep: bool
    is_kept: bool


class Sampling:
    """Brings a ruined run back to its first weights, and judges it again by what is seen there.

    With one to four samples a batch the first loss may be a hundredth of what it is on the
    average, and then all that follow look like ruin. Every arm that begins at the first weights
    shows one more loss there. Where it agrees with those before it, nothing is asked; else the
    first weights are held until eight losses are known. If the first one was a low batch's, the
    run goes on as it was.

    Args:
        course: Shared state.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._charge: Charge | None = None

    @property
    def is_due(self) -> bool:
        """Whether a run stands accused, and the first weights were seen again just now."""
        return self._charge is not None and self._course.arm.n == 1

    def restart(
        self,
        seen: Seen,
        reason: str,
        *,
        loss: float,
        holds: Callable[[], bool],
        is_steep: bool = False,
        notch: bool = True,
    ) -> Move:
        """Back to the first weights, a notch lower, or at the same rate.

        Args:
            seen: The step.
            reason: Why.
            loss: What stands above the first losses.
            holds: Whether it is still too high, after more of them.
            is_steep: Whether the gradient has grown by more than the loss.
            notch: Whether the rate is to be lower.
        """
        course = self._course
        self._charge = Charge(
            arm=course.arm,
            cap=course.cap,
            contest=course.contest,
            loss=loss,
            holds=holds,
            is_steep=is_steep,
            is_kept=course.can_compare or course.contest is not None,
        )
        scale = course.below(seen) if notch else course.arm.scale
        move = course.restart(scale, reason)
        saves = self._charge.is_kept and not self._charge.contest
        return replace(move, save="incumbent") if saves else move

    def judge(self) -> Verdict:
        """What is known now."""
        course, charge = self._course, self._charge
        if charge is None or not course.arm.from_start:
            self._charge = None
            return "too hot"
        if not (charge.is_steep or course.launch.is_sure(charge.loss, charge.arm)):
            course.n_lost += 1
            course.follow(Arm(course.arm.scale, from_start=True))
            return "not sure"
        if charge.is_steep or charge.holds():
            self._charge = None
            return "too hot"
        return "a low batch"

    def acquit(self, reason: str) -> Move:
        """Go on as before: with the run that was left, or at its rate from the first weights."""
        course, charge = self._course, self._charge
        course.retract(reason)
        if charge is None:
            return Move(kind="ramp", reason=reason, scale=course.arm.scale)
        self._charge, course.cap = None, charge.cap
        if not charge.is_kept:
            course.arm.scale = charge.arm.scale
            return Move(kind="ramp", reason=reason, scale=charge.arm.scale)
        charge.arm.n_hot = 0
        course.contest = charge.contest or Contest(incumbent=charge.arm, n_steps=0)
        if not charge.contest:
            course.n_lost -= charge.arm.n  # they count again
        return course.come_back(reason)
