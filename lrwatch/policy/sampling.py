"""The first loss is one batch's: is it a low one, for whose sake a run was taken for ruined?"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from lrwatch.policy.arm import Arm
from lrwatch.policy.contest import Contest
from lrwatch.policy.course import Course
from lrwatch.policy.move import Move, Seen


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
        undo: What else the accusation had changed is as it was again.
    """

    arm: Arm
    cap: float
    contest: Contest | None
    loss: float
    holds: Callable[[], bool]
    is_steep: bool
    is_kept: bool
    undo: Callable[[], None]


class Sampling:
    """Brings a ruined run back to its first weights, and judges it again by what is seen there.

    With one to four samples a batch the first loss may be a hundredth of what it is on the
    average, and then all that follow look like ruin. Every arm that begins at the first weights
    shows one more loss there. Where it agrees with those before it, nothing is asked; else the
    first weights are held until eight losses are known, where updates may be skipped. If the first
    one was a low batch's, the run goes on as it was.

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
        undo: Callable[[], None] = lambda: None,
    ) -> Move:
        """Back to the first weights, a notch lower, or at the same rate.

        Args:
            seen: The step.
            reason: Why.
            loss: What stands above the first losses.
            holds: Whether it is still too high, after more of them.
            is_steep: Whether the gradient has grown by more than the loss.
            notch: Whether the rate is to be lower.
            undo: Called where the first loss turns out to be a low batch's.
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
            undo=undo,
        )
        scale = course.below(seen) if notch else course.arm.scale
        move = course.restart(scale, reason)
        saves = self._charge.is_kept and not self._charge.contest
        return replace(move, save="incumbent") if saves else move

    def judge(self, seen: Seen) -> Move | None:
        """More losses at the first weights, the run that was left, or None: it was too hot.

        Args:
            seen: The step.
        """
        course, charge = self._course, self._charge
        if charge is None or not course.arm.from_start:
            self._charge = None
            return None
        is_sure = charge.is_steep or course.launch.is_sure(charge.loss, charge.arm)
        if not is_sure and "skip" in course.settings.rungs:
            course.n_lost += 1
            course.follow(Arm(course.arm.scale, from_start=True))
            reason = f"loss {seen.loss:.4g} at the first weights, which are held for some batches"
            return Move(kind="skip", reason=reason)
        self._charge = None
        return None if charge.is_steep or charge.holds() else self._acquit(charge)

    def _acquit(self, charge: Charge) -> Move:
        """Go on as before: with the run that was left, or at its rate from the first weights."""
        course = self._course
        reason = f"the first loss was a low batch's: {course.launch.level:.4g} on the average"
        course.retract(reason)
        course.first_loss = course.launch.level
        course.cap = charge.cap
        charge.undo()
        if not charge.is_kept:
            course.arm.scale = charge.arm.scale
            return Move(kind="ramp", reason=reason, scale=charge.arm.scale)
        charge.arm.n_hot = 0
        if charge.contest:
            course.contest = charge.contest
            return course.come_back(reason)
        course.n_lost -= charge.arm.n  # they count again
        return course.come_back(reason, to=charge.arm)
