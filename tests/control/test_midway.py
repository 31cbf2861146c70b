"""What happens to a run midway leaves no trace: neither a lower rate nor lost steps."""

import random

import pytest

from lrwatch.policy.shelf import Shelf
from tests.control.feeding import Run, descent


def wave(n_up: int) -> list[float]:
    """A descent of 400 steps, and then a loss that rises for so many."""
    return [*descent(0, 400), *(2.6 + 0.05 * i for i in range(n_up))]


@pytest.mark.parametrize("seed", range(5))
def test_loss_that_falls_ever_faster_has_not_lost_its_level(seed: int) -> None:
    run, rng = Run(moved=0.05), random.Random(seed)
    run.feed(2.3 - 0.8 * (i / 96) ** 8 + rng.gauss(0, 0.02) for i in range(100))
    assert run.moves == []


def test_loss_that_falls_fast_and_comes_back_to_its_level_has_lost_it() -> None:
    run, rng = Run(moved=0.05), random.Random(0)
    fall = [2.3 - 0.8 * (i / 96) ** 8 for i in range(96)]
    run.feed(x + rng.gauss(0, 0.02) for x in [*fall, *[2.2] * 24])
    assert run.kinds() == ["rewind"]


def test_long_after_a_warm_up_the_rate_goes_up_again_to_what_it_was() -> None:
    run = Run(moved=0.05)
    losses = wave(25)
    for i in range(50):
        run.feed([losses[i]], rate=0.002 * (i + 1))
    run.feed(losses[50:])
    run.feed(descent(0, 400)[-120:])
    assert run.kinds() == ["rewind", "ramp", "ramp", "ramp"]
    assert run.ladder.scale == 1.0


def test_trouble_while_the_rate_is_rising_leaves_it_low() -> None:
    run = Run(moved=0.05)
    for i, loss in enumerate([*wave(25), *descent(0, 400)[-120:]]):
        run.feed([loss], rate=1e-3 * 1.005**i)
    assert run.kinds()[0] == "rewind"
    assert "ramp" not in run.kinds()
    assert run.ladder.scale < 1


def test_snapshots_go_on_after_the_rate_has_changed_in_a_long_run() -> None:
    run = Run(moved=0.05)
    run.feed(wave(25))
    (back,) = (step for step, move in run.moves if move.kind == "rewind")
    run.feed(descent(0, 400)[-120:])
    assert run.kinds() == ["rewind", "ramp", "ramp", "ramp"]
    later = [step for step in run.saved if step > back]
    assert later
    assert max(b - a for a, b in zip([back, *later], [*later, run.step], strict=True)) < 60


def test_snapshot_waits_for_twenty_steps_of_its_arm_and_for_its_distance_in_the_run() -> None:
    shelf = Shelf(2, every=10)
    assert not shelf.is_due(19, 400)
    assert shelf.take(400, 20, 0.1, 400) == "good0"
    assert not shelf.is_due(50, 419)
    assert shelf.is_due(20, 420)


def test_rate_that_has_jumped_is_not_trusted_before_its_effect_can_show() -> None:
    run = Run(moved=0.05)
    run.feed(descent(0, 400))
    run.feed(descent(0, 480)[-80:], rate=1.0)
    after = [step for step in run.saved if step >= 400]
    assert after
    assert min(after) >= 431


def test_snapshots_are_taken_while_the_rate_warms_up() -> None:
    run = Run(moved=0.05)
    for i, loss in enumerate(descent(0, 200)):
        run.feed([loss], rate=1e-3 * (i + 1))
    assert sum(20 < step < 120 for step in run.saved) > 5


@pytest.mark.parametrize(("warned_at", "tried"), [(0.1, True), (1.0, False)])
def test_rate_far_below_the_one_that_is_suspected_is_not_suspected_itself(
    warned_at: float, tried: bool
) -> None:
    run = Run(moved=0.5)
    losses = descent(0, 500)
    run.ladder.warn(hot=True)
    run.feed(losses[:10], rate=warned_at)
    run.feed(losses[10:], rate=0.1)
    assert bool(run.moves) == tried


def test_rate_that_had_long_been_in_force_is_not_doubted_soon_after_a_jump_of_it() -> None:
    run, rng = Run(moved=0.5), random.Random(0)
    run.feed(descent(0, 400))
    run.feed([2.6 + 0.05 * i for i in range(17)], rate=3.0)
    (back,) = (step for step, move in run.moves if move.kind == "rewind")
    while run.kinds()[-1] != "backoff" and run.step < 1000:
        run.feed([2.42 + rng.gauss(0, 0.02)], rate=3.0)
    assert 200 <= run.step - back < 600


def test_weights_to_blame_right_after_another_change_of_the_rate() -> None:
    run, losses = Run(moved=0.05), descent(0, 400)
    run.feed(losses)
    bad = [30.0] * 4
    for _ in range(3):
        run.feed([*bad, losses[-1]])
    assert run.ladder.scale < 1
    assert "stop" not in run.kinds()


@pytest.mark.parametrize(("moved", "start"), [(2.5, True), (1.5, False)])
def test_level_lost_early_leads_back_to_the_first_weights_where_those_of_now_are_far(
    moved: float, start: bool
) -> None:
    run = Run(moved=moved)
    run.feed([*descent(0, 60), *(2.9 + 0.07 * i for i in range(30))])
    move = next(move for _, move in run.moves if "it had been" in move.reason)
    assert (move.load == "start") == start


def test_loss_that_is_always_the_same_number_says_nothing() -> None:
    run = Run(moved=5.0)
    for _ in range(600):
        run.ladder.warn(hot=True)
        run.feed([1.0])
    assert run.moves == []
