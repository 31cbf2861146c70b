"""When steps may be told late: nothing is on trial, and none of them can be one to act on."""

from typing import NamedTuple

from lrwatch.policy.course import Course

SHARE = 16
FEWEST, MOST = 8, 64


class Calm(NamedTuple):
    """Steps up to these bounds would have led to nothing if each had been told before its update.

    Attributes:
        loss: Highest loss.
        grad_norm: Highest norm of the gradients.
        n_steps: How many may wait to be told.
    """

    loss: float
    grad_norm: float
    n_steps: int


def calm(course: Course, n_left: int = MOST) -> Calm | None:
    """Bounds for the coming steps of an arm on which nothing is on trial; None where it is young.

    A batch that is no higher than all of the last 64 cannot stand out, so that every step which
    may have to be left out is still told before its update. What is judged over many steps (a loss
    that left its level, a floor, a quiet period) is found later by a sixteenth of the arm's length
    at most, and by 64 steps.

    Args:
        course: State of the policy.
        n_left: Steps until the next one that has to be told before its update in any case.
    """
    arm, n_steps = course.arm, min(course.arm.n // SHARE, MOST)
    if n_steps < FEWEST or course.contest or course.trial or arm.ramp_to > arm.scale:
        return None
    top = course.recent.top()
    return None if top is None else Calm(*top, min(n_steps, n_left))
