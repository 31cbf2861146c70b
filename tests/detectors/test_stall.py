import math
from dataclasses import replace

import pytest

from lrwatch.detectors.stall import Stall
from tests.detectors.streams import alerts_of, loud, noise, power_law, steps


@pytest.mark.parametrize("n_classes", [2, 10, 30522, 32000, 50257])
def test_a_loss_that_stands_at_what_guessing_gives_is_told_in_an_old_log(n_classes: int) -> None:
    chance = math.log(n_classes)
    losses = noise(200, level=chance, sigma=0.005 * chance)
    first, *_ = alerts_of(Stall(), steps(losses))
    assert first.step < 100
    assert f"guessing among some {n_classes} classes" in first.message


def test_with_a_norm_it_is_told_after_150_losses() -> None:
    losses = noise(400, level=math.log(10), sigma=0.02)
    first, *_ = alerts_of(Stall(), steps(losses, [1.0] * 400))
    assert 149 <= first.step < 200


@pytest.mark.parametrize("level", [1.5, 2.1, 3.4, 5.9, 9.0])
def test_a_flat_loss_at_another_level_is_not_told_before_the_thousandth(level: float) -> None:
    losses = noise(2000, level=level, sigma=0.02)
    alerts = alerts_of(Stall(), steps(losses))
    assert len(alerts) == 1
    assert 999 <= alerts[0].step < 1200
    assert "no trend" in alerts[0].message


@pytest.mark.parametrize(("n_classes", "sigma", "told"), [(2, 0.045, True), (10, 0.15, False)])
def test_noise_may_be_a_tenth_of_the_level_of_two_classes_and_a_25th_of_others(
    n_classes: int, sigma: float, told: bool
) -> None:
    losses = noise(400, level=math.log(n_classes), sigma=sigma)
    assert bool(alerts_of(Stall(), steps(losses))) == told


@pytest.mark.parametrize("off", [-0.03, 0.03])
def test_a_level_beside_what_guessing_gives_is_not_it(off: float) -> None:
    losses = noise(800, level=math.log(10) + off, sigma=0.02)
    assert alerts_of(Stall(), steps(losses)) == []


def test_the_number_of_flat_losses_can_be_set() -> None:
    first, *_ = alerts_of(Stall(n_flat=100), steps(noise(400)))
    assert 99 <= first.step < 120


@pytest.mark.parametrize("seed", range(5))
def test_a_plateau_after_a_long_fall_is_how_a_run_ends(seed: int) -> None:
    losses = [2.0 * math.exp(-i / 100) + x for i, x in enumerate(noise(3000, seed=seed))]
    assert alerts_of(Stall(), steps(losses)) == []


def test_passing_through_what_guessing_gives_is_not_a_stall() -> None:
    losses = [4.0 - 0.004 * i + x for i, x in enumerate(noise(800, level=0.0, sigma=0.02))]
    assert alerts_of(Stall(), steps(losses)) == []


@pytest.mark.parametrize("seed", range(5))
def test_slow_progress_is_not_a_stall(seed: int) -> None:
    assert loud(alerts_of(Stall(), power_law(seed, 3000))) == []


def test_it_is_closed_when_the_loss_leaves_its_plateau() -> None:
    chance = noise(400, level=math.log(10), sigma=0.02)
    losses = chance + [2.3 - 1.5 * (1 - math.exp(-i / 100)) for i in range(1000)]
    assert [a.state for a in alerts_of(Stall(), steps(losses))] == ["opened", "closed"]


def test_it_stays_open_while_the_loss_only_rises_from_its_plateau() -> None:
    chance = noise(400, level=math.log(10), sigma=0.02)
    losses = chance + [2.3 + 0.002 * i for i in range(1000)]
    assert [a.state for a in alerts_of(Stall(), steps(losses))] == ["opened"]


def test_zero_spread_is_as_flat_as_can_be() -> None:
    assert len(alerts_of(Stall(), steps([1.0] * 2000))) == 1


def test_nan_is_skipped() -> None:
    losses = [x for loss in noise(1500) for x in (loss, math.nan)]
    told = [a.step for a in alerts_of(Stall(), steps(noise(1500)))]
    assert [a.step // 2 for a in alerts_of(Stall(), steps(losses))] == told != []


def test_a_stall_names_no_side_of_the_rate() -> None:
    run = [replace(s, lr=0.1) for s in steps(noise(1500))]
    (alert,) = alerts_of(Stall(), run)
    assert alert.verdict is None
    assert "three times higher and one ten times lower" in alert.advice


@pytest.mark.parametrize(("norm_falls", "told"), [(True, False), (False, True)])
def test_noisy_targets_that_leave_little_to_learn_are_no_stall(
    norm_falls: bool, told: bool
) -> None:
    losses = [1.8 * math.exp(-i / 20) + x for i, x in enumerate(noise(1500, sigma=1.0))]
    felt = [0.3 + 0.7 * math.exp(-i / 20) if norm_falls else 1.0 for i in range(1500)]
    assert bool(alerts_of(Stall(), steps(losses, felt))) == told


def test_a_norm_that_falls_while_nothing_was_learned_is_no_floor() -> None:
    felt = [0.3 + 0.7 * math.exp(-i / 200) for i in range(1500)]
    assert alerts_of(Stall(), steps(noise(1500, sigma=1.0), felt)) != []


@pytest.mark.parametrize("bad", [63, 0, -1])
def test_a_bad_argument_is_named_with_its_value(bad: int) -> None:
    with pytest.raises(ValueError, match=f"n_flat must be >= 64, got {bad}"):
        Stall(n_flat=bad)
