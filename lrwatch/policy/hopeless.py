"""When a run is given up: no rate is left that might help."""

import math

from lrwatch.policy.course import Course
from lrwatch.policy.move import Move
from lrwatch.policy.recent import N_RECENT
from lrwatch.policy.settings import Backoff

N_BACK, N_LONG = 4, 128
ABOVE_FIRST, FAR_ABOVE = 0.05, 0.5


def hopeless(course: Course) -> str | None:
    """Why no rate is left that might help; None while there may be one.

    The loss must stand above the first one for good, after all changes are spent, or long after
    the run went back for the fourth time; then by half of it, as some losses rise in a run that is
    well: that of a codebook, a term that grows. It is looked at once in 64 steps.
    """
    recent = course.recent
    if len(recent.losses) < N_RECENT or course.n % N_RECENT:
        return None
    spent = course.n_changes_left <= 0
    if not (spent or (course.n_back >= N_BACK and course.arm.n >= N_LONG)):
        return None
    now, first = recent.middle(N_RECENT), course.launch.level
    first = course.first_loss if math.isnan(first) else first
    share = ABOVE_FIRST if spent else FAR_ABOVE
    if now <= first + max(3 * recent.noise(), share * abs(first)):
        return None
    tried = f"rewinds: {course.n_back}, down to {course.arm.scale:.2g} of the rate"
    return f"{tried}; and still the loss, {now:.4g}, is above the first, {first:.4g}"


def bounded(move: Move, settings: Backoff) -> Move:
    """The move, or the end of the run where the scale would fall below its floor."""
    floor = settings.floor
    if move.scale is None or move.scale >= floor or "stop" not in settings.rungs:
        return move
    return Move(kind="stop", reason=f"{move.reason}; the scale would fall below {floor:g}")
