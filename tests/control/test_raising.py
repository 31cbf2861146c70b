"""After a rescue a higher rate is tried in place, and stays only where it is faster."""

from collections.abc import Callable

from lrwatch.policy.course import Course
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.raising import UP, Raising
from lrwatch.policy.settings import Backoff


def moves(
    fall: Callable[[int, float], float], *, ceiling: float = 0.05, n: int = 250
) -> list[Move]:
    """Moves for a run at a tenth of its rate of 0.1, whose loss falls by ``fall(step, scale)``."""
    course = Course(Backoff(), 6)
    course.arm.scale, course.cap, course.ceiling = 0.1, 0.01, ceiling
    raising, loss, found = Raising(course), 10.0, []
    for step in range(n):
        loss -= fall(step, course.arm.scale)
        noisy = loss + 0.001 * (step % 2)
        seen = Seen(step=step, loss=noisy, grad_norm=1.0, rate=0.1, moved=lambda: 0.5)
        course.arm.add(seen)
        course.recent.add(seen)
        move = raising.judge(seen)
        found += [move] if move else []
    return found


def test_rate_that_is_too_low_is_raised_step_by_step() -> None:
    found = moves(lambda step, scale: 0.1 * scale)
    assert [m.kind for m in found[:4]] == ["ramp", "backoff", "ramp", "ramp"]
    assert found[2].scale == 0.1 * UP


def test_run_that_learns_faster_and_faster_by_itself_keeps_its_rate() -> None:
    found = moves(lambda step, scale: 1e-4 * step**1.2, n=200)
    assert [m.kind for m in found] == ["ramp", "backoff"]
    assert found[-1].scale == 0.1


def test_rate_that_makes_no_difference_goes_back() -> None:
    found = moves(lambda step, scale: 0.01, n=100)
    assert [m.kind for m in found] == ["ramp", "backoff"]


def test_nothing_is_raised_above_the_ceiling() -> None:
    assert moves(lambda step, scale: 0.1 * scale, ceiling=0.01) == []
