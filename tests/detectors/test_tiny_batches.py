"""Batches of one or two samples: the batch is most of what is seen, and the first one is chance."""

import math
import random

import pytest

from lrwatch.detectors.lr_too_high import LrTooHigh
from lrwatch.records import Step
from tests.detectors.streams import alerts_of, steps

# Whose first samples are so easy that they were taken for a leap.
SEEDS = (37, 39, 68, 69, 73, 78, 80, 84)


def began_easy(seed: int, n: int = 500) -> list[Step]:
    """Down to a tenth, while loss and norm scatter; the first sample was an easy one."""
    rng, losses, felt = random.Random(seed), [], []
    for i in range(n):
        luck = rng.gauss(0, 1) if i else -1.8
        level = 0.1 + 0.9 * math.exp(-i / 25)
        losses.append(level * math.exp(0.9 * luck))
        felt.append(level**0.25 * math.exp(0.6 * luck + 0.3 * rng.gauss(0, 1)))
    return steps(losses, felt, [1.0] * n)


def rough(seed: int, *, end: float = 0.5, n: int = 600) -> list[Step]:
    """Down from 2.3; from step 150 on its losses and norms scatter by much."""
    rng, losses, felt = random.Random(seed), [], []
    for i in range(n):
        noise, burst, jitter = (0.9, 0.8, 0.6) if i >= 150 else (0.045, 0.0, 0.1)
        level = end + (2.3 - end) * math.exp(-i / 60)
        losses.append(max(0.01, level + noise * rng.gauss(0, 1)))
        felt.append(math.exp(rng.gauss(burst, jitter)))
    return steps(losses, felt, [1.0] * n)


def hard_samples(seed: int, *, share: float, loss: float, n: int = 600) -> list[Step]:
    """Most samples are learnt, and a share of them keeps about this loss; it was 0.69 at first."""
    rng, losses = random.Random(seed), []
    for i in range(n):
        if i < 20:
            losses.append(0.69 + rng.gauss(0, 0.02))
        elif rng.random() < share:
            losses.append(loss * rng.uniform(0.7, 1.6))
        else:
            losses.append(abs(rng.gauss(0, 0.3)) * math.exp(-i / 200) + 0.01 * rng.random())
    return steps(losses, [x + 0.01 for x in losses], [1.0] * n)


@pytest.mark.parametrize("seed", [0, 3, 7, 13])
def test_only_an_easy_first_sample_was_better_and_the_norm_did_not_burst(seed: int) -> None:
    assert alerts_of(LrTooHigh(), began_easy(seed)) == []


@pytest.mark.parametrize("seed", [0, 6, 20, 35, 36])
def test_a_fall_that_is_there_still_was_gained_however_rough_each_loss_is(seed: int) -> None:
    assert alerts_of(LrTooHigh(), rough(seed)) == []


@pytest.mark.parametrize("seed", range(8))
def test_samples_that_stay_hard_do_no_harm_where_the_mean_has_come_down(seed: int) -> None:
    assert alerts_of(LrTooHigh(), hard_samples(seed, share=0.06, loss=1.5)) == []


@pytest.mark.parametrize("seed", range(8))
def test_bursts_that_cost_what_was_gained_are_told(seed: int) -> None:
    first, *_ = alerts_of(LrTooHigh(), hard_samples(seed, share=0.12, loss=6.0))
    assert (first.verdict, first.step < 110) == ("too_high", True)


def single_samples(seed: int, *, leap: float = 1.0, n: int = 400) -> list[Step]:
    """Squared errors of single samples, and gradients; ``leap`` times more from step 1 on."""
    rng, losses, felt = random.Random(seed), [], []
    for i in range(n):
        level = (0.05 + 0.95 * math.exp(-i / 150)) * (leap if i else 1.0)
        error = rng.gauss(0, 1)
        features = math.hypot(*(rng.gauss(0, 1) for _ in range(8)))
        losses.append(level * error * error)
        felt.append(2 * math.sqrt(level) * abs(error) * features)
    return steps(losses, felt, [1.0] * n)


@pytest.mark.parametrize("seed", SEEDS)
def test_single_samples_scatter_from_the_first_on(seed: int) -> None:
    assert alerts_of(LrTooHigh(), single_samples(seed)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_leap_far_beyond_their_scatter_is_told(seed: int) -> None:
    first, *_ = alerts_of(LrTooHigh(), single_samples(seed, leap=1e4))
    assert (first.verdict, first.step < 64) == ("too_high", True)


@pytest.mark.parametrize("seed", [1, 5, 6])
def test_a_wave_of_the_loss_is_no_scatter_though_the_norm_scatters_with_it(seed: int) -> None:
    rng, losses, felt = random.Random(seed), [], []
    for i in range(60):
        level = 13.5 + 18 * math.exp(-(((i - 7) / 3.5) ** 2)) + (2.0 if i > 3 else 0.0)
        luck = rng.gauss(0, 1)
        losses.append(level + 0.6 * luck)
        felt.append(level / 13.5 * math.exp(0.5 * luck) if i else 0.6)
    first, *_ = alerts_of(LrTooHigh(), steps(losses, felt, [1.0] * 60))
    assert (first.step, first.verdict) == (20, "too_high")
