import math
import random

import pytest

from lrwatch.detectors.oscillation import Oscillation
from tests.detectors.streams import alerts_of, brief, noise, steps


def jumping(
    at: list[int], n: int = 500, *, seed: int = 0, height: float = 10.0, tail: int = 1
) -> list[float]:
    """Jumps of that height, which stand at a third of it for ``tail`` more losses."""
    losses = noise(n, seed=seed)
    for i in at:
        losses[i] += height
        for k in range(i + 1, min(i + 1 + tail, n)):
            losses[k] += height / 3
    return losses


@pytest.mark.parametrize("seed", range(10))
def test_the_fourth_jump_within_128_losses_is_an_oscillation(seed: int) -> None:
    losses = jumping([100, 120, 140, 160], seed=seed)
    opened, closed = alerts_of(Oscillation(), steps(losses))
    assert brief([opened, closed]) == [
        ("oscillation", "warning", 161, "opened"),
        ("oscillation", "info", 288, "closed"),
    ]
    assert (opened.onset, opened.value, opened.limit) == (100, 4.0, 4.0)


def test_three_jumps_are_not() -> None:
    assert alerts_of(Oscillation(), steps(jumping([100, 120, 140]))) == []


def test_jumps_far_apart_are_not() -> None:
    assert alerts_of(Oscillation(), steps(jumping([100, 150, 200, 250, 300, 350, 400]))) == []


def test_one_jump_that_lasts_counts_once() -> None:
    assert alerts_of(Oscillation(), steps(jumping(list(range(100, 112))))) == []


@pytest.mark.parametrize("seed", range(5))
def test_jumps_that_are_gone_at_the_next_loss_are_of_the_batches(seed: int) -> None:
    at = [100 + 17 * k for k in range(20)]
    assert alerts_of(Oscillation(), steps(jumping(at, seed=seed, tail=0))) == []
    assert alerts_of(Oscillation(), steps(jumping(at, seed=seed, tail=1))) != []


def test_a_jump_that_alternates_is_of_the_weights() -> None:
    at = [k + d for k in (100, 120, 140, 160) for d in (0, 2)]
    assert [a.step for a in alerts_of(Oscillation(), steps(jumping(at, tail=0)))] == [162, 288]


@pytest.mark.parametrize(("between", "told"), [(3.45, False), (3.0, True)])
def test_a_new_level_at_the_edge_of_the_band_is_not(between: float, told: bool) -> None:
    losses = noise(400)
    losses[100:106] = [9.0, 9.0, between, between, 9.0, 9.0]
    assert bool(alerts_of(Oscillation(n_jumps=2), steps(losses))) == told


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_rare_batches_that_meet_by_chance_are_not(seed: int, share: float) -> None:
    rng = random.Random(seed)
    losses = [x + rng.uniform(1, 3) * (rng.random() < share) for x in noise(1000, seed=seed)]
    assert alerts_of(Oscillation(), steps(losses)) == []


@pytest.mark.parametrize("seed", range(5))
def test_noise_that_turns_at_two_of_three_steps_is_not(seed: int) -> None:
    assert alerts_of(Oscillation(), steps(noise(2000, seed=seed))) == []


def test_an_alternation_from_step_to_step_is_in_its_band() -> None:
    losses = [3.0 + 0.1 * (-1) ** i for i in range(500)]
    assert alerts_of(Oscillation(), steps(losses)) == []


def test_drops_are_not_jumps() -> None:
    losses = jumping([100, 120, 140, 160, 180], height=-10.0)
    assert alerts_of(Oscillation(), steps(losses)) == []


def test_the_first_losses_are_only_learned_from() -> None:
    assert alerts_of(Oscillation(n_jumps=2), steps(jumping([6, 9], n=12))) == []
    assert alerts_of(Oscillation(n_jumps=2), steps(jumping([18, 21], n=24))) != []


def test_losses_just_outside_of_the_band_are_not_jumps() -> None:
    losses = noise(500)
    for i in range(100, 200, 10):
        losses[i] = losses[i + 1] = 3.72
    assert alerts_of(Oscillation(), steps(losses)) == []


@pytest.mark.parametrize(("height", "n_alerts"), [(1.6, 0), (6.0, 2)])
def test_jumps_that_undo_little_of_a_great_gain_do_not_count_unless_beyond_all_noise(
    height: float, n_alerts: int
) -> None:
    losses = [100.0 * math.exp(-i / 10) + x for i, x in enumerate(noise(1200))]
    for i in range(700, 800, 20):
        losses[i] = losses[i + 1] = 3.0 + height
    assert len(alerts_of(Oscillation(), steps(losses))) == n_alerts


@pytest.mark.parametrize("hole", [math.nan, None])
def test_missing_and_non_finite_losses_are_skipped(hole: float | None) -> None:
    losses = [x for loss in jumping([100, 120, 140, 160]) for x in (loss, hole)]
    assert [a.step for a in alerts_of(Oscillation(), steps(losses))] == [322, 576]


def test_the_sign_of_the_loss_does_not_matter() -> None:
    losses = [x - 100.0 for x in jumping([100, 120, 140, 160])]
    assert [a.step for a in alerts_of(Oscillation(), steps(losses))] == [161, 288]


@pytest.mark.parametrize("n_jumps", [2, 3, 6])
def test_the_number_of_jumps_can_be_set(n_jumps: int) -> None:
    losses = jumping([100 + 15 * i for i in range(7)])
    (first, *_) = alerts_of(Oscillation(n_jumps=n_jumps), steps(losses))
    assert first.step == 101 + 15 * (n_jumps - 1)


@pytest.mark.parametrize("bad", [1, 0, -3])
def test_a_bad_argument_is_named_with_its_value(bad: int) -> None:
    with pytest.raises(ValueError, match=f"n_jumps must be >= 2, got {bad}"):
        Oscillation(n_jumps=bad)
