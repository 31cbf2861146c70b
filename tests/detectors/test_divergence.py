import math
import random

import pytest

from lrwatch.detectors.divergence import Divergence
from tests.detectors.streams import (
    TROUBLE_AT,
    alerts_of,
    brief,
    diverging,
    loud,
    noise,
    power_law,
    rising,
    steps,
)


@pytest.mark.parametrize("seed", range(10))
def test_a_lasting_leap_is_told_at_its_sixth_loss_and_critical_at_the_twelfth(seed: int) -> None:
    losses = [*noise(100, seed=seed), *noise(15, level=20.0, seed=seed + 50)]
    alerts = alerts_of(Divergence(), steps(losses))
    assert brief(alerts) == [
        ("divergence", "warning", 105, "opened"),
        ("divergence", "critical", 111, "raised"),
    ]
    assert {a.onset for a in alerts} == {100}


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_spike_of_up_to_five_losses_is_not_divergence(n: int) -> None:
    losses = noise(200)
    losses[100 : 100 + n] = [30.0] * n
    assert alerts_of(Divergence(), steps(losses)) == []


@pytest.mark.parametrize("patience", [2, 9, 20])
def test_patience_counts_losses_in_a_row(patience: int) -> None:
    losses = [*noise(100), *noise(22, level=20.0)]
    alerts = alerts_of(Divergence(patience=patience), steps(losses))
    assert alerts[0].step == 100 + patience - 1


def test_losses_that_come_back_between_do_not_add_up() -> None:
    losses = noise(300)
    for i in range(100, 200, 2):
        losses[i] = 30.0
    assert alerts_of(Divergence(), steps(losses)) == []


@pytest.mark.parametrize("seed", range(10))
def test_a_rise_after_progress_is_told_soon_with_its_onset(seed: int) -> None:
    first, *_ = alerts_of(Divergence(), diverging(seed))
    assert TROUBLE_AT < first.step < TROUBLE_AT + 15
    assert TROUBLE_AT - 1 <= first.onset <= TROUBLE_AT + 5


@pytest.mark.parametrize("seed", range(5))
def test_a_slow_rise_that_gives_back_the_gain_is_told(seed: int) -> None:
    losses = [s.loss or 0.0 for s in power_law(seed, 1200)]
    losses = [x + max(0.0, 0.004 * (i - 600)) for i, x in enumerate(losses)]
    first, *_ = alerts_of(Divergence(), steps(losses))
    assert 600 < first.step < 1200
    assert "gave back" in first.message


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("calmer", "severity"), [(1.0, "warning"), (10.0, "info")])
def test_a_slow_rise_while_the_noise_shrinks_is_only_noted(
    seed: int, calmer: float, severity: str
) -> None:
    rng = random.Random(seed)
    share = [min(max((i - 200) / 800, 0.0), 1.0) for i in range(1400)]
    level = [max(2.0 - i / 100, 1.0) + 0.8 * up for i, up in enumerate(share)]
    noise = [0.1 / (1.0 + (calmer - 1.0) * min(4 * up, 1.0)) for up in share]
    run = steps([a + rng.gauss(0, b) for a, b in zip(level, noise, strict=True)])
    assert [alert.severity for alert in alerts_of(Divergence(), run)] == [severity]


def test_losses_that_double_their_rise_are_critical_within_a_few_steps() -> None:
    losses = [2.0, *[2.0 + 0.5 * 10.0**i for i in range(12)]]
    first, *_ = alerts_of(Divergence(), steps(losses, None, [0.3] * len(losses)))
    assert first.severity == "critical"
    assert first.step <= 5
    assert first.verdict == "too_high"
    assert first.advice.startswith("start again with a hundredth of the rate")
    assert first.evidence["lr_to_try"] == pytest.approx(0.003)


@pytest.mark.parametrize(("before", "side"), [(24, "too_high"), (40, None)])
def test_a_loss_that_runs_away_blames_the_rate_only_at_a_launch(
    before: int, side: str | None
) -> None:
    run = [*noise(before, level=2.0), *[2.0 + 0.5 * 10.0**i for i in range(7)]]
    alerts = alerts_of(Divergence(), steps(run))
    assert "doubles the last" in alerts[0].message
    assert alerts[0].verdict == side
    assert ("checkpoint" in alerts[0].advice) == (side is None)
    assert ("thirtieth" in alerts[0].advice) == (side is not None)


@pytest.mark.parametrize("zero", [0.0, 2.3, -500.0])
def test_a_leap_in_the_first_steps_that_stays_is_told_at_the_eighth_loss(zero: float) -> None:
    losses = [zero, *noise(30, level=zero + 40.0)]
    first, *_ = alerts_of(Divergence(), steps(losses))
    assert (first.step, first.onset, first.severity) == (7, 0, "warning")


def test_a_leap_in_the_first_steps_that_comes_back_is_not() -> None:
    losses = [2.3, 40.0, 40.0, *noise(50, level=2.2)]
    assert alerts_of(Divergence(), steps(losses)) == []


@pytest.mark.parametrize("seed", range(10))
def test_a_loss_that_rises_from_the_first_step_on_is_not(seed: int) -> None:
    assert loud(alerts_of(Divergence(), rising(seed))) == []


@pytest.mark.parametrize("seed", range(5))
def test_it_is_closed_when_the_level_is_back(seed: int) -> None:
    run = [*noise(200, seed=seed), *noise(12, level=20.0), *noise(200, seed=seed + 9)]
    alerts = alerts_of(Divergence(), steps(run))
    assert [a.state for a in alerts] == ["opened", "raised", "closed"]
    assert 212 < alerts[-1].step < 300


@pytest.mark.parametrize(("height", "told"), [(1.6, False), (8.0, True)])
def test_a_rise_that_undoes_little_of_a_great_gain_is_not_unless_beyond_all_noise(
    height: float, told: bool
) -> None:
    losses = [100.0 * math.exp(-i / 10) + x for i, x in enumerate(noise(900))]
    losses = [x + height if 700 <= i < 720 else x for i, x in enumerate(losses)]
    assert bool(alerts_of(Divergence(), steps(losses))) == told


def test_it_stays_open_while_the_loss_stays_up() -> None:
    alerts = alerts_of(Divergence(), steps([*noise(200), *noise(400, level=20.0)]))
    assert [a.state for a in alerts] == ["opened", "raised"]


@pytest.mark.parametrize("hole", [math.nan, math.inf, None])
def test_missing_and_non_finite_losses_are_skipped(hole: float | None) -> None:
    losses = [x for loss in [*noise(100), *noise(15, level=20.0)] for x in (loss, hole)]
    assert [a.step for a in alerts_of(Divergence(), steps(losses))] == [210, 222]


def test_with_zero_spread_every_rise_counts_and_negative_losses_are_as_good_as_any() -> None:
    losses = [-5.0] * 100 + [-4.9] * 12
    assert [a.step for a in alerts_of(Divergence(), steps(losses))] == [105, 111]


def test_bad_arguments_are_named_with_their_value() -> None:
    with pytest.raises(ValueError, match="patience must be >= 2, got 1"):
        Divergence(patience=1)
    for bad in (0, -0.5, 1.5, math.nan):
        with pytest.raises(ValueError, match=f"share must be in \\(0, 1\\], got {bad}"):
            Divergence(share=bad)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fall", [3.0, 8.0, 20.0])
def test_a_harder_task_is_no_divergence_while_its_loss_falls(seed: int, fall: float) -> None:
    losses = [0.1 + 2.0 * math.exp(-i / 30) for i in range(400)]
    losses = [x + 2.0 * math.exp(-(i - 200) / fall) * (i >= 200) for i, x in enumerate(losses)]
    noises = noise(400, level=0.0, sigma=0.02, seed=seed)
    losses = [x + y for x, y in zip(losses, noises, strict=True)]
    assert loud(alerts_of(Divergence(), steps(losses))) == []


@pytest.mark.parametrize("seed", range(5))
def test_nor_where_its_loss_cannot_fall_as_low_as_before(seed: int) -> None:
    losses = [0.1 + 2.0 * math.exp(-i / 30) for i in range(800)]
    noises = noise(800, level=0.0, sigma=0.05, seed=seed)
    losses = [x + y for x, y in zip(losses, noises, strict=True)]
    for i in range(200, 800):
        losses[i] += 0.8 + 2.0 * math.exp(-(i - 200) / 10)
    assert loud(alerts_of(Divergence(), steps(losses))) == []


def test_one_whose_loss_stays_up_is() -> None:
    losses = [0.1 + 2.0 * math.exp(-i / 30) + 2.0 * (i >= 200) for i in range(400)]
    noises = noise(400, level=0.0, sigma=0.02)
    losses = [x + y for x, y in zip(losses, noises, strict=True)]
    first, *_ = alerts_of(Divergence(), steps(losses))
    assert (first.step, first.onset) == (205, 200)


def test_a_burst_no_higher_than_those_before_is_no_divergence() -> None:
    losses = [3.0 * math.exp(-i / 20) + x for i, x in enumerate(noise(900, level=1.0, sigma=0.01))]
    for at, height in ((400, 1.0), (550, 0.9), (700, 1.1)):
        for i in range(at, at + 12):
            losses[i] += height
    told = [a.step for a in alerts_of(Divergence(), steps(losses)) if a.state == "opened"]
    assert told == [405]


@pytest.mark.parametrize(("share", "told"), [(0.005, False), (0.03, True)])
def test_at_the_floor_a_rise_must_undo_a_hundredth_of_the_gain(share: float, told: bool) -> None:
    losses = [100.0 * math.exp(-i / 20) + 1e-5 * x for i, x in enumerate(noise(900))]
    losses = [x + 100.0 * share * (i >= 700) for i, x in enumerate(losses)]
    assert bool(alerts_of(Divergence(), steps(losses))) == told


def test_a_second_lesser_rise_is_told_as_well() -> None:
    losses = [3.0 * math.exp(-i / 20) + x for i, x in enumerate(noise(2000, level=1.0, sigma=0.01))]
    for at, height in ((500, 2.5), (1200, 1.2)):
        for i in range(at, at + 400):
            losses[i] += height * min(1.0, (i - at) / 350)
    told = [a.step for a in alerts_of(Divergence(), steps(losses)) if a.state == "opened"]
    assert [step // 1000 for step in told] == [0, 0, 1]
