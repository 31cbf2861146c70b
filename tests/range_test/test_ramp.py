"""The curve: smoothing that survives noise, and the stop where the loss has left."""

import math
import random
from itertools import pairwise
from statistics import fmean

import pytest

from lrwatch.range_test.ramp import Ramp, exponential, has_left, smooth


def test_smoothing_moves_no_step_to_either_side() -> None:
    losses = [1.0] * 40 + [0.0] * 41 + [1.0] * 40
    smoothed = smooth(losses)
    assert smoothed == pytest.approx(smoothed[::-1])
    assert min(range(len(smoothed)), key=smoothed.__getitem__) in range(41, 80)


def test_one_outlier_leaves_no_trace() -> None:
    losses = [1.0] * 50
    losses[20] = 1e9
    assert smooth(losses) == pytest.approx([1.0] * 50)


def test_noise_is_smaller_by_more_than_half() -> None:
    rng = random.Random(0)
    smoothed = smooth([rng.gauss(0, 1) for _ in range(400)])
    assert fmean(x * x for x in smoothed) < 0.2


def test_noise_that_both_runs_share_is_gone_from_the_curve() -> None:
    rng = random.Random(0)
    alone = [rng.gauss(5, 1) for _ in range(100)]
    losses = [x - i / 100 for i, x in enumerate(alone)]
    curve = Ramp.of(exponential(1e-6, 1.0, 100), losses, alone)
    falls = [a - b for a, b in pairwise(curve.smoothed)]
    assert min(falls) > 0
    assert curve.level == pytest.approx(5, abs=0.3)
    assert curve.noise == pytest.approx(1, abs=0.3)


def test_the_curve_ends_before_the_first_loss_that_is_not_finite() -> None:
    lrs = exponential(1e-6, 1.0, 50)
    curve = Ramp.of(lrs, [1.0] * 30 + [math.inf], [1.0] * 50)
    assert (len(curve.lrs), len(curve.losses), len(curve.smoothed)) == (30, 30, 30)
    assert curve.broke_at == lrs[30]


def test_one_odd_batch_ends_no_ramp() -> None:
    alone = [1.0] * 100
    assert not has_left([1.0] * 50 + [1e6], alone)


def test_a_rise_within_the_noise_ends_no_ramp() -> None:
    rng = random.Random(0)
    alone = [rng.gauss(0, 1) for _ in range(100)]
    assert not has_left([x + 3 for x in alone], alone)
    assert has_left([x + 5 for x in alone], alone)


def test_a_loss_that_rises_as_far_as_it_fell_has_left() -> None:
    alone = [2.0] * 100
    fallen = [2.0 - 0.02 * i for i in range(50)]
    assert not has_left([*fallen, *[2.9] * 5], alone)
    assert has_left([*fallen, *[3.1] * 5], alone)


def test_rounding_of_a_loss_without_noise_ends_no_ramp() -> None:
    assert not has_left([1.0 + 1e-6 * i for i in range(50)], [1.0] * 100)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_has_left(bad: float) -> None:
    assert has_left([1.0, bad], [1.0] * 20)


def test_rates_have_a_constant_ratio_and_exact_ends() -> None:
    lrs = exponential(1e-7, 10.0, 81)
    assert (lrs[0], lrs[-1], len(lrs)) == (1e-7, 10.0, 81)
    ratios = [b / a for a, b in pairwise(lrs)]
    assert ratios == pytest.approx([10**0.1] * 80)
