import math
import random
import re
from dataclasses import replace

import pytest

from lrwatch.detectors.easy_problems import mostly_solved
from lrwatch.detectors.lr_too_high import LrTooHigh
from lrwatch.records import Step
from lrwatch.stats.signals import Signals
from tests.detectors.streams import alerts_of, noise, power_law, rising, steps, thrown

NAMES = ("lr_judged", "lr_to_try", "lr_to_try_next")


def burst(seed: int, *, end: float, leap: float = 3.0, n: int = 400) -> list[Step]:
    """Loss and norm leap within ten steps; the loss comes down to ``end`` less than its start."""
    rng = random.Random(seed)
    losses = [2.3 + (4.0 * min(i, 5) if i < 10 else -end) + rng.gauss(0, 0.05) for i in range(n)]
    felt = [math.exp((leap if 1 <= i < 10 else 0.0) + rng.gauss(0, 0.1)) for i in range(n)]
    return steps(losses, felt, [1.0] * n)


def lost_again(seed: int, *, by: float, n: int = 400, norm: float = 2.0) -> list[Step]:
    """Down by 1.5 in 50 steps, then up by ``by`` and rougher, with a norm of ``norm`` (was 1)."""
    rng = random.Random(seed)
    losses = [
        2.3
        - 1.5 * min(1.0, i / 50)
        + by * min(1.0, max(0.0, (i - 100) / 50))
        + rng.gauss(0, 0.05 if i < 100 else 0.2)
        for i in range(n)
    ]
    felt = [math.exp(rng.gauss(0, 0.1)) * (1.0 if i < 100 else norm) for i in range(n)]
    return steps(losses, felt, [1.0] * n)


@pytest.mark.parametrize("seed", range(8))
def test_a_loss_that_leapt_above_its_start_is_told_soon_and_soon_critical(seed: int) -> None:
    first, second = alerts_of(LrTooHigh(), thrown(seed))
    assert (first.state, first.severity, first.verdict) == ("opened", "warning", "too_high")
    assert first.step < 64 <= second.step < 80
    assert (second.state, second.severity) == ("raised", "critical")
    assert first.onset == second.onset == 0
    assert "above its start" in first.message


@pytest.mark.parametrize("seed", range(8))
def test_a_burst_after_which_nothing_was_gained_is_told(seed: int) -> None:
    first, *_ = alerts_of(LrTooHigh(), burst(seed, end=0.0))
    assert first.step < 150
    assert first.verdict == "too_high"


@pytest.mark.parametrize("seed", range(8))
def test_a_burst_after_which_the_loss_stands_still_is_told_in_a_while(seed: int) -> None:
    alerts = alerts_of(LrTooHigh(), burst(seed, end=0.3, leap=4.5))
    assert [a.step for a in alerts if a.step < 190] == []
    assert "stands still" in alerts[0].message


@pytest.mark.parametrize("seed", range(8))
def test_a_burst_after_which_the_loss_falls_clearly_is_not(seed: int) -> None:
    run = burst(seed, end=1.5)
    assert [a.state for a in alerts_of(LrTooHigh(), run) if a.step > 200] in ([], ["closed"])
    assert alerts_of(LrTooHigh(), run[11:]) == []


@pytest.mark.parametrize("seed", range(8))
def test_a_fall_that_was_lost_again_is_told(seed: int) -> None:
    first, *_ = alerts_of(LrTooHigh(), lost_again(seed, by=1.2))
    assert 110 < first.step < 250
    assert re.search("% of the fall of the loss was lost again|has risen since", first.message)


@pytest.mark.parametrize("seed", range(8))
def test_a_fall_that_was_lost_again_while_the_norm_stood_is_not(seed: int) -> None:
    assert alerts_of(LrTooHigh(), lost_again(seed, by=1.2, norm=1.0)) == []


def test_a_norm_that_scatters_by_much_stands_too_as_a_rule() -> None:
    n_told = 0
    for seed in range(8):
        rng = random.Random(seed)
        run = lost_again(seed, by=1.2)
        sizes = [math.exp(max(-1.3, min(rng.gauss(0, 0.9), 1.3))) for _ in run]
        wide = [replace(step, grad_norm=size) for step, size in zip(run, sizes, strict=True)]
        wide[0] = replace(wide[0], grad_norm=1.0)
        n_told += bool(alerts_of(LrTooHigh(), wide))
    assert n_told <= 2


@pytest.mark.parametrize("seed", range(8))
def test_a_smoothed_loss_that_wanders_is_not(seed: int) -> None:
    """What a trainer logs of a run that learns nothing: an average of many losses."""
    rng = random.Random(seed)
    losses, off = [], 0.0
    for _ in range(400):
        losses.append(2.3 + off)
        off = 0.97 * off + rng.gauss(0, 0.001)
    felt = [math.exp(rng.gauss(0, 0.1)) for _ in losses]
    assert alerts_of(LrTooHigh(), steps(losses, felt, [1e-5] * len(losses))) == []


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("back", "told"), [(0.4, True), (0.0, False)])
def test_a_loss_that_fell_at_once_and_rises_since_is_told(
    seed: int, back: float, told: bool
) -> None:
    rng = random.Random(seed)
    levels = [2.0 - min(i / 8, 1.0) + back * i / 400 for i in range(400)]
    losses = [a + rng.gauss(0, 0.04 + 0.0002 * i) for i, a in enumerate(levels)]
    felt = [1.0 + i / 200 for i in range(400)]
    alerts = alerts_of(LrTooHigh(), steps(losses, felt, [0.1] * 400))
    assert any("has risen since" in a.message for a in alerts) == told


@pytest.mark.parametrize("seed", range(8))
def test_a_fall_of_which_little_was_lost_is_not(seed: int) -> None:
    assert alerts_of(LrTooHigh(), lost_again(seed, by=0.2)) == []


def harder(seed: int, *, by: float, norm_before: float = 1.0) -> list[Step]:
    """Down by 1.5; from step 200 on the loss is higher by ``by``, and falls by half of that."""
    rng = random.Random(seed)
    run = []
    for i in range(800):
        learned = 1.5 * (1.0 - math.exp(-i / 50))
        rise = 0.5 * by * (1.0 + math.exp(-(i - 200) / 60)) if i >= 200 else 0.0
        size = norm_before if i == 199 else (2.0 if i >= 200 else 1.0)
        spread = 0.05 if i < 200 else 0.2
        run.append(
            (2.3 - learned + rise + rng.gauss(0, spread), size * math.exp(rng.gauss(0, 0.1)))
        )
    losses, felt = zip(*run, strict=True)
    return steps(list(losses), list(felt), [1.0] * len(run))


@pytest.mark.parametrize("seed", range(8))
def test_what_a_harder_task_took_is_not_the_rates_fault(seed: int) -> None:
    assert alerts_of(LrTooHigh(), harder(seed, by=1.6)) == []


@pytest.mark.parametrize("seed", range(8))
def test_what_an_unusual_update_took_is(seed: int) -> None:
    first, *_ = alerts_of(LrTooHigh(), harder(seed, by=1.6, norm_before=20.0))
    assert 210 < first.step < 300


@pytest.mark.parametrize("seed", range(8))
def test_a_change_after_which_nothing_is_left_is_no_excuse(seed: int) -> None:
    assert alerts_of(LrTooHigh(), harder(seed, by=6.0)) != []


@pytest.mark.parametrize("seed", range(8))
def test_batches_that_differ_by_much_make_no_leap(seed: int) -> None:
    """Batches of one sample: loss and norm scatter by factors, and the first was an easy one."""
    rng = random.Random(seed)
    sizes = [math.exp(rng.gauss(0.0, 0.3)) for _ in range(300)]
    sizes[0] = sorted(sizes)[60]
    felt = [size * math.exp(rng.gauss(0.0, 0.2)) for size in sizes]
    run = steps([size**2 for size in sizes], felt, [1e-4] * len(sizes))
    assert alerts_of(LrTooHigh(), run) == []


@pytest.mark.parametrize("seed", range(8))
def test_a_norm_that_fell_while_the_loss_stayed_is_told(seed: int) -> None:
    rng = random.Random(seed)
    losses = [2.5 + 0.0002 * i + (rng.gauss(0, 0.05) if i else 0.0) for i in range(400)]
    felt = [math.exp(-3.0 * min(1.0, i / 30) + rng.gauss(0, 0.1)) for i in range(400)]
    alerts = alerts_of(LrTooHigh(), steps(losses, felt, [1.0] * 400))
    assert alerts[0].step < 200
    assert "no lower" in alerts[0].message
    assert alerts_of(LrTooHigh(), steps(losses, [1.0] * 400, [1.0] * 400)) == []


@pytest.mark.parametrize("seed", range(20))
def test_a_loss_that_creeps_up_from_the_first_step_on_is_not(seed: int) -> None:
    assert alerts_of(LrTooHigh(), rising(seed)) == []


def test_it_is_closed_when_the_loss_comes_down_all_the_same() -> None:
    run = thrown(0)[:100]
    healed = [replace(s, step=100 + s.step) for s in power_law(1, 3000)]
    healed = [replace(s, loss=(s.loss or 0.0) - 3.0) for s in healed]
    alerts = alerts_of(LrTooHigh(), run + healed)
    assert [a.state for a in alerts] == ["opened", "raised", "closed"]


def test_noise_that_keeps_its_level_is_not() -> None:
    assert alerts_of(LrTooHigh(), steps(noise(3000))) == []


def test_the_first_losses_are_only_learned_from() -> None:
    assert [a.step for a in alerts_of(LrTooHigh(), thrown(0)[:20])] == []


def test_the_advice_names_rates_where_the_rate_is_known() -> None:
    first, *_ = alerts_of(LrTooHigh(), [replace(s, lr=0.3) for s in thrown(0)])
    assert first.advice.endswith(" then a hundredth (now 0.3, so 0.01 or 0.003)")
    assert [first.evidence[name] for name in NAMES] == pytest.approx([0.3, 0.01, 0.003])
    first, *_ = alerts_of(LrTooHigh(), [replace(s, lr=None) for s in thrown(0)])
    assert first.advice == "start again with a thirtieth of the rate, then a hundredth"
    assert [first.evidence[name] for name in NAMES] == [None] * 3
    assert first.lr is None


def test_nan_between_changes_nothing() -> None:
    run = thrown(1)
    holes = [
        x
        for s in run
        for x in (replace(s, step=2 * s.step), Step(step=2 * s.step + 1, loss=math.nan))
    ]
    told = [a.step // 2 for a in alerts_of(LrTooHigh(), holes)]
    assert told == [a.step for a in alerts_of(LrTooHigh(), run)]


@pytest.mark.parametrize("seed", range(8))
def test_a_plateau_at_the_start_is_not_although_the_norm_is_lower(seed: int) -> None:
    rng = random.Random(seed)
    losses = [2.3 + rng.gauss(0, 0.04) + (0.15 if 8 <= i < 14 else 0.0) for i in range(400)]
    felt = [math.exp(-1.4 * min(1.0, i / 40) + rng.gauss(0, 0.15)) for i in range(400)]
    assert alerts_of(LrTooHigh(), steps(losses, felt, [0.3] * 400)) == []


# A small residual net on digits at its best rate (momentum 0.9): it leaps once and learns on.
CATAPULT = (
    (2.34, 1.4), (2.26, 1.2), (2.31, 1.3), (2.40, 1.7), (2.23, 1.4), (2.07, 1.2), (1.93, 1.1),
    (2.08, 1.6), (1.59, 1.6), (1.70, 2.1), (1.44, 2.1), (1.20, 2.3), (0.89, 2.3), (1.01, 2.0),
    (1.25, 3.2), (0.81, 2.5), (1.24, 4.3), (1.38, 7.5), (1.10, 4.9), (1.35, 4.7), (1.06, 3.2),
    (1.59, 5.2), (1.91, 4.9), (3.40, 14.9), (4.19, 7.6), (3.49, 7.5), (7.95, 12.9), (2.93, 8.0),
    (2.22, 3.6), (2.28, 8.6), (2.59, 5.9), (2.59, 5.1), (1.44, 3.1), (2.06, 4.2), (2.22, 4.8),
    (1.24, 2.6), (0.86, 1.5), (1.82, 3.6), (1.27, 2.2), (2.30, 4.5), (0.87, 1.6), (1.01, 1.4),
)  # fmt: skip


def test_a_leap_that_the_loss_comes_down_from_is_not() -> None:
    losses, felt = zip(*CATAPULT, strict=True)
    assert alerts_of(LrTooHigh(), steps(losses, felt, [0.03] * len(losses))) == []


# Circles by a small net at a thousandth of its best rate (RMSprop): nothing but noise.
QUIET_START = (
    (0.6950, 0.08), (0.6961, 0.09), (0.6865, 0.13), (0.6830, 0.18), (0.7020, 0.19), (0.6976, 0.12),
    (0.7048, 0.33), (0.6973, 0.08), (0.6992, 0.16), (0.6883, 0.13), (0.6968, 0.14), (0.7003, 0.20),
    (0.6960, 0.13), (0.6961, 0.15), (0.6963, 0.14), (0.7009, 0.17), (0.7063, 0.32), (0.6989, 0.25),
    (0.7108, 0.41), (0.6930, 0.06), (0.6894, 0.10), (0.6870, 0.10), (0.6883, 0.09), (0.6874, 0.09),
    (0.7059, 0.35), (0.6963, 0.15), (0.6934, 0.07), (0.6891, 0.10), (0.6826, 0.18), (0.6867, 0.10),
)  # fmt: skip


def test_a_quiet_first_moment_makes_no_leap_of_ordinary_noise() -> None:
    losses, felt = zip(*QUIET_START, strict=True)
    assert alerts_of(LrTooHigh(), steps(losses, felt, [1e-5] * len(losses))) == []


def after(run: list[Step]) -> Signals:
    """What is known after all of the run."""
    signals = Signals()
    for step in run:
        signals.update(step)
        signals.learn()
    return signals


def solved_in_part(run: list[Step], share: float, seed: int) -> list[Step]:
    """The run with this share of its losses after the first ten gone down to nothing."""
    rng = random.Random(seed)
    return [
        replace(s, loss=1e-3 * rng.random()) if i > 10 and rng.random() < share else s
        for i, s in enumerate(run)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_a_young_run_whose_losses_keep_coming_back_is_waited_for(seed: int) -> None:
    run = thrown(seed)[:60]
    assert alerts_of(LrTooHigh(), run)
    assert alerts_of(LrTooHigh(), solved_in_part(run, 0.7, seed)) == []


@pytest.mark.parametrize("seed", range(8))
def test_a_run_that_is_mostly_solved_has_gained_although_bursts_hide_it(seed: int) -> None:
    run = thrown(seed)[:120]
    alerts = alerts_of(LrTooHigh(), solved_in_part(run, 0.7, seed))
    assert not any("gained only" in a.message for a in alerts)
    assert mostly_solved(after(solved_in_part(run, 0.7, seed)))
    assert not mostly_solved(after(solved_in_part(run, 0.3, seed)))


@pytest.mark.parametrize("n_bursts", [1, 3])
def test_one_burst_in_a_third_of_the_run_is_chance(n_bursts: int) -> None:
    rng = random.Random(0)
    losses = [2.0 - min(1.0, i / 10) + rng.gauss(0, 0.02) for i in range(72)]
    for third in (24, 48):
        for k in range(n_bursts):
            losses[third + 3 + 5 * k] = 6.0
    felt = [(10.0 if loss > 5.0 else 1.0) * math.exp(rng.gauss(0, 0.1)) for loss in losses]
    told = alerts_of(LrTooHigh(), steps(losses, felt, [0.1] * 72))
    assert any("burst above the start" in a.message for a in told) == (n_bursts > 1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_again_of_a_run_whose_usual_loss_is_far_below(seed: int) -> None:
    rng = random.Random(seed)
    run = lost_again(seed, by=8.0)
    late = [replace(s, loss=1e-3) if rng.random() < 0.8 else s for s in run[100:]]
    told = alerts_of(LrTooHigh(), run[:100] + late)
    assert not any("lost again" in a.message or "has risen" in a.message for a in told)
