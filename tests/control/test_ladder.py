"""The policy alone: streams with a known answer in, moves out; no torch."""

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from lrwatch.policy.arm import Arm
from lrwatch.policy.settings import Backoff, Rung
from tests.control.feeding import Run, descent


@pytest.mark.parametrize("seed", range(10))
def test_healthy_descent_is_never_touched(seed: int) -> None:
    assert Run().feed(descent(seed, 400)) == []


@pytest.mark.parametrize("seed", range(10))
def test_slow_healthy_descent_gets_its_own_rate_back(seed: int) -> None:
    run = Run(Backoff(settle=True))
    run.feed(descent(seed, 600))
    assert set(run.kinds()) <= {"backoff", "ramp"}
    assert run.ladder.scale == 1.0
    assert run.ladder.n_lost == 0


@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 0.0), (1.0, -100.0), (1e6, 3.0)])
def test_unit_of_the_loss_does_not_matter_to_what_is_skipped(scale: float, shift: float) -> None:
    losses = descent(0, 200)
    losses[150] = 30.0
    run = Run()
    run.feed(scale * x + shift for x in losses)
    assert [step for step, move in run.moves if move.kind == "skip"] == [150]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite_loss_is_skipped_at_its_own_step(bad: float) -> None:
    losses = descent(0, 100)
    losses[60] = bad
    run = Run()
    run.feed(losses)
    assert [(step, move.kind) for step, move in run.moves] == [(60, "skip"), (61, "outcome")]


def test_gradient_ten_times_the_largest_is_skipped_and_a_smaller_one_is_not() -> None:
    norms = [1.0] * 100
    norms[50], norms[70] = 9.0, 95.0
    run = Run()
    run.feed(descent(0, 100), norms)
    assert [step for step, move in run.moves if move.kind == "skip"] == [70]


def test_ruined_start_goes_back_to_the_first_weights_one_notch_lower() -> None:
    run = Run()
    run.feed([2.3, 9.0, 20.0], [1.0, 30.0, 60.0])
    ((step, move),) = run.moves
    assert (step, move.kind, move.load, move.scale) == (2, "rewind", "start", 0.3)


def test_weights_that_did_not_move_are_not_ruined_by_the_rate() -> None:
    run = Run(moved=0.01)
    run.feed([2.3, 9.0, 20.0], [1.0, 30.0, 60.0])
    assert run.moves == []


def test_without_trials_a_margin_is_kept_below_the_first_rate_that_holds() -> None:
    run = Run(Backoff(trials=False))
    run.feed([2.3, 9.0, 20.0], [1.0, 30.0, 60.0])
    run.feed(descent(0, 40))
    _, margin = run.moves[-1]
    assert margin.load == "start"
    assert margin.scale == pytest.approx(0.3 * 0.15)


def test_rate_that_rises_to_where_trouble_was_is_held_below_it() -> None:
    run = Run()
    run.feed([2.3, 9.0, 20.0], [1.0, 30.0, 60.0], rate=0.1)
    run.feed(descent(0, 10), rate=0.2)
    kinds = [move.kind for _, move in run.moves]
    assert kinds == ["rewind", "backoff"]
    assert run.ladder.scale * 0.2 < 0.3 * 0.1


def test_level_lost_bit_by_bit_brings_the_last_good_weights_back() -> None:
    run = Run(moved=0.05)
    run.feed([*descent(0, 200), *(2.6 + 0.05 * i for i in range(60))])
    step, move = run.moves[0]
    assert move.kind == "rewind"
    assert step < 240
    assert move.load is not None
    assert move.load.startswith("good")
    assert move.scale == 0.3


def test_rate_goes_up_again_when_it_stays_quiet() -> None:
    run = Run(moved=0.05)
    run.feed([*descent(0, 400), *(2.6 + 0.05 * i for i in range(25))])
    run.feed(descent(0, 400)[-120:])
    assert run.kinds() == ["rewind", "ramp", "ramp", "ramp"]
    assert run.ladder.scale == 1.0


def test_trouble_of_the_launch_leaves_the_rate_low() -> None:
    run = Run(moved=0.05)
    run.feed([*descent(0, 200), *(2.6 + 0.05 * i for i in range(25))])
    run.feed(descent(0, 200)[-120:])
    assert run.kinds() == ["rewind"]
    assert run.ladder.scale == pytest.approx(0.3)


def floor_at(
    level: Callable[[float], float], n_steps: int, *, moved: float = 0.5, settle: bool = True
) -> Run:
    """A loss that falls at first and then stays at a level that may depend on the scale."""
    run, rng = Run(Backoff(settle=settle), moved=moved), random.Random(3)
    for i in range(n_steps):
        run.feed([level(run.ladder.scale) + 2 * math.exp(-i / 10) + rng.gauss(0, 0.05)])
    return run


def test_noise_floor_that_a_lower_rate_lifts_is_left_for_good() -> None:
    run = floor_at(lambda scale: 0.5 + scale, 250)
    assert run.kinds()[0] == "backoff"
    assert run.ladder.scale < 1
    assert any(move.helped for _, move in run.moves)


def test_the_weights_are_not_read_while_the_loss_falls() -> None:
    run = Run()
    run.feed(2 * math.exp(-i / 400) for i in range(128))
    n_looks = run.n_looks
    run.feed(2 * math.exp(-i / 400) for i in range(128, 800))
    assert (run.n_looks, run.moves) == (n_looks, [])
    assert floor_at(lambda scale: 0.5, 250).n_looks > n_looks


def test_loss_that_stands_still_is_tried_at_a_lower_rate_without_any_sign() -> None:
    run = floor_at(lambda scale: 0.5 + scale, 250, settle=False)
    assert run.moves[0][0] >= 127
    assert run.ladder.scale < 1


@pytest.mark.parametrize(("floor", "tried"), [(0.02, False), (0.2, True), (-0.5, True)])
def test_loss_with_nothing_left_to_lose_is_tried_no_lower(floor: float, tried: bool) -> None:
    run, rng = Run(moved=0.5), random.Random(3)
    for i in range(300):
        run.feed([floor + 2 * math.exp(-i / 10) + 0.01 * rng.random()])
    assert bool(run.moves) == tried


def test_losses_at_a_rate_on_trial_are_not_those_of_the_run_itself() -> None:
    run = floor_at(lambda scale: 0.5, 130, settle=False)
    assert run.ladder.scale == 0.3
    run.feed([0.1] * 8)
    assert run.ladder._course.arm.n == 138
    assert run.ladder._course.arm.stretch.lowest() > 0.4


def test_rate_that_a_trial_has_shown_to_be_hot_need_not_come_back_in_the_next() -> None:
    run = floor_at(lambda scale: 0.5 + scale, 400, settle=False)
    assert run.ladder.scale < 0.1
    assert not any("old one lose" in move.reason for _, move in run.moves)


def test_after_a_trial_that_helped_slow_progress_is_reason_enough_for_the_next() -> None:
    run, rng = Run(moved=0.5), random.Random(3)
    for i in range(260):
        drift = -0.002 * (i - 150) if run.ladder.scale < 1 else 0.0
        run.feed([0.5 + run.ladder.scale + drift + 2 * math.exp(-i / 10) + rng.gauss(0, 0.05)])
    kept, again = (step for step, move in run.moves if "gained" in move.reason)
    assert again - kept < 90


def test_after_a_trial_that_helped_a_long_run_waits_longer_for_the_next() -> None:
    run, rng = Run(moved=0.5), random.Random(3)
    while not any(move.helped for _, move in run.moves):
        floor = 0.5 + run.ladder.scale * max(run.step - 300, 0) / 1000
        run.feed([floor + 2 * math.exp(-run.step / 10) + rng.gauss(0, 0.05)])
    kept = run.step
    assert kept > 450
    run.feed(0.55 + rng.gauss(0, 0.05) for _ in range(52))
    assert run.moves[-1][0] < kept


@pytest.mark.parametrize("seed", range(10))
def test_run_that_still_gains_is_left_alone_unless_asked_for(seed: int) -> None:
    assert Run().feed(descent(seed, 700)) == []
    assert Run(Backoff(settle=True)).feed(descent(seed, 700)) != []


@pytest.mark.parametrize(("decay", "tried"), [(1.0, True), (0.9997, False)])
def test_slow_progress_while_the_schedule_lowers_the_rate_is_the_schedules_own(
    decay: float, tried: bool
) -> None:
    run = Run(Backoff(settle=True))
    for i, loss in enumerate(descent(0, 700)):
        run.feed([loss], rate=0.1 * decay**i)
    assert bool(run.moves) == tried


def test_slow_progress_of_a_run_that_was_too_hot_once_is_reason_for_a_trial() -> None:
    run = Run()
    run.ladder._course.cap = 0.2
    run.feed(descent(0, 600))
    assert any("slow progress" in move.reason for _, move in run.moves)


def test_loss_that_stands_still_is_asked_about_ever_more_rarely() -> None:
    run = floor_at(lambda scale: 0.5, 1000, settle=False)
    begun = [step for step, move in run.moves if move.kind == "backoff"]
    assert len(begun) >= 3
    assert all(b > 1.7 * a for a, b in itertools.pairwise(begun))
    assert run.ladder.scale == 1.0


def test_noise_that_hides_what_was_learnt_keeps_no_run_from_a_trial() -> None:
    run, rng = Run(moved=1.2), random.Random(0)
    for i in range(500):
        level = 1.4 + 0.3 * run.ladder.scale + 0.3 * math.exp(-i / 10)
        run.feed([level + 0.3 * run.ladder.scale * rng.gauss(0, 1)])
    assert run.ladder.scale < 1
    assert not any(move.load for _, move in run.moves)


@pytest.mark.parametrize(("fall", "tried"), [(0.0, True), (0.5, True), (0.99, False)])
def test_while_the_schedule_lowers_the_rate_quickly_nothing_is_tried(
    fall: float, tried: bool
) -> None:
    run, rng = Run(moved=0.5), random.Random(3)
    for i in range(300):
        rate = 0.1 * (1 - fall) ** (i / 300)
        run.feed([1.5 + 2 * math.exp(-i / 10) + rng.gauss(0, 0.05)], rate=rate)
    assert bool(run.moves) == tried


@pytest.mark.parametrize(("climbs", "back"), [(True, False), (False, True)])
def test_wave_of_the_loss_in_a_warm_up_is_no_lost_level_and_after_a_jump_it_is(
    climbs: bool, back: bool
) -> None:
    run, rng = Run(moved=0.05), random.Random(0)
    for i in range(64):
        wave = max(0.0, 0.01 * min(i - 40, 16))
        rate = 0.001 * (1 + i) if climbs else 0.1 if i > 40 else 0.03
        run.feed([2.0 - 0.02 * min(i, 40) + wave + rng.gauss(0, 0.01)], rate=rate)
    assert bool([move for _, move in run.moves if move.kind == "rewind"]) == back


def test_stall_that_a_lower_rate_does_not_cure_gets_its_rate_back() -> None:
    run = floor_at(lambda scale: 0.5, 235)
    assert run.kinds()[:2] == ["backoff", "ramp"]
    assert run.ladder.scale == 1.0
    assert not any(move.helped for _, move in run.moves)


def test_stall_of_weights_that_never_moved_is_left_alone() -> None:
    assert floor_at(lambda scale: 0.5, 250, moved=0.01).moves == []


def test_row_of_bad_batches_blames_the_data_and_takes_the_weights_back() -> None:
    losses = descent(0, 300)
    run = Run(moved=0.05)
    run.feed([*losses[:200], *(x + 20 for x in losses[200:212]), *losses[212:]])
    acts = [(move.kind, move.load) for _, move in run.moves if move.kind == "rewind"]
    assert [kind for kind, _ in acts] == ["rewind", "rewind"]
    assert acts[1][1] == "held"
    assert run.ladder.scale == 1.0


@pytest.mark.parametrize(("moved", "load"), [(1.5, "start"), (0.5, None)])
def test_weights_to_blame_early_and_far_away_lead_back_to_the_first_ones(
    moved: float, load: str | None
) -> None:
    run, losses = Run(moved=moved), descent(0, 70)
    run.feed([*losses[:60], 30.0, 30.0, 30.0, 30.0, losses[60]])
    assert [move.kind for _, move in run.moves][:4] == ["skip", "skip", "skip", "rewind"]
    assert run.moves[-1][1].load == load
    assert run.ladder.scale < 1


def test_new_level_that_stays_is_accepted_without_a_lower_rate() -> None:
    losses = descent(0, 400)
    run = Run(moved=0.05)
    run.feed([*losses[:200], *(x + 20 for x in losses[200:230])])
    assert run.kinds().count("skip") <= 30
    assert run.ladder.scale == 1.0


def test_gradients_that_stay_non_finite_stop_the_run() -> None:
    run = Run(Backoff(hold=5))
    run.feed([*descent(0, 90), *[math.nan] * 6])
    assert run.kinds()[-1] == "stop"


def test_spent_budget_leaves_only_skipping() -> None:
    run = Run(Backoff(budget=1))
    for _ in range(4):
        run.feed([2.3, 9.0, 20.0], [1.0, 30.0, 60.0])
    assert run.kinds() == ["rewind"]


def test_scale_below_the_floor_stops_instead() -> None:
    run = Run(Backoff(floor=0.2))
    for _ in range(2):
        run.feed([2.3, 9.0, 20.0], [1.0, 30.0, 60.0])
    assert run.kinds() == ["rewind", "stop"]


def test_spent_budget_above_the_first_loss_stops_with_the_reason() -> None:
    run = Run(Backoff(budget=1))
    run.feed([2.3, 9.0, 20.0], [1.0, 30.0, 60.0])
    run.feed(4.0 + 0.01 * (i % 3) for i in range(140))
    step, stop = run.moves[-1]
    assert (run.kinds(), step) == (["rewind", "stop"], 127)
    assert stop.reason.startswith("rewinds: 1, down to 0.3 of the rate; and still the loss, 4.01")


def test_spent_budget_below_the_first_loss_goes_on() -> None:
    run = Run(Backoff(budget=1))
    run.feed([2.3, 9.0, 20.0], [1.0, 30.0, 60.0])
    run.feed(2.0 + 0.01 * (i % 3) for i in range(140))
    assert run.kinds() == ["rewind"]


def test_run_that_rises_at_any_rate_is_stopped_early() -> None:
    run, rng, since = Run(), random.Random(0), 0
    while "stop" not in run.kinds() and run.step < 2000:
        rise = run.ladder.scale * since
        moves = run.feed([2.0 + 40 * rise + rng.gauss(0, 0.02)], [1.0 + 10 * rise])
        back = moves and moves[-1][0] == run.step - 1 and moves[-1][1].kind == "rewind"
        since = 0 if back else since + 1
    assert run.step < 800
    assert "above the first, " in run.moves[-1][1].reason


def test_state_goes_through_json_and_keeps_scale_and_budget() -> None:
    first = Run()
    first.feed([2.3, 9.0, 20.0], [1.0, 30.0, 60.0])
    second = Run()
    second.ladder.load_state_dict(first.ladder.state_dict())
    assert second.ladder.scale == 0.3
    assert second.ladder.state_dict() == first.ladder.state_dict()


@pytest.mark.parametrize(
    ("name", "value"), [("factor", 1.0), ("floor", 0.0), ("hold", 0), ("budget", -1)]
)
def test_bad_setting_is_named_with_its_value(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be .*, got {value}"):
        Backoff(**{name: value})  # type: ignore[arg-type]  # the wrong type is the point


def test_unknown_rung_is_named() -> None:
    with pytest.raises(ValueError, match="rungs must be among skip, backoff, rewind, stop"):
        Backoff(rungs=("jump",))  # type: ignore[arg-type]  # the wrong word is the point


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        ("where", "gpu", ValueError, "where must be one of device, host, got 'gpu'"),
        ("memory_cap", "4G", TypeError, "memory_cap must be a number, got '4G'"),
        ("rungs", "skip", TypeError, "rungs must be a tuple of names, got 'skip'"),
    ],
)
def test_a_setting_of_another_kind_is_named(
    name: str, value: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Backoff(**{name: value})


@pytest.mark.parametrize("rungs", [("skip",), ("skip", "rewind"), ("skip", "rewind", "stop")])
def test_without_the_backoff_rung_the_rate_stays(rungs: tuple[Rung, ...]) -> None:
    run = Run(Backoff(rungs=rungs), moved=0.5)
    run.feed([*descent(0, 400), *(2.6 + 0.05 * i for i in range(60)), *descent(0, 400)[-200:]])
    run.feed([math.nan] * 3 + descent(0, 400)[-100:])
    run.feed([1e3] * 8 + [2.5] * 100)
    assert run.ladder.scale == 1.0
    assert {"backoff", "ramp"}.isdisjoint(run.kinds())
    hot = Run(Backoff(rungs=rungs))
    hot.feed([2.3, *(9.0 * 1.5**i for i in range(60))], [1.0, *(30.0 * 1.5**i for i in range(60))])
    assert hot.ladder.scale == 1.0


@pytest.mark.parametrize(("above", "is_given_up"), [(1.2, False), (1.8, True)])
def test_run_that_went_back_often_is_given_up_only_far_above_the_first_loss(
    above: float, is_given_up: bool
) -> None:
    run = Run(moved=0.5)
    run.feed([2.3] * 10)
    course = run.ladder._course
    course.n_back = 4
    course.start_is_gone()
    course.follow(Arm(1.0, from_start=False))
    run.feed(2.3 * above + 0.01 * (i % 3) for i in range(260))
    assert ("stop" in run.kinds()) == is_given_up
