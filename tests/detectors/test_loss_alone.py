"""A rate too high in logs that have no gradient norm."""

import math
import random
from dataclasses import replace

import pytest

from lrwatch.detectors.lr_too_high import LrTooHigh
from lrwatch.records import Step
from tests.detectors.streams import alerts_of, steps


def leapt(seed: int, *, end: float, n: int = 400, lasts: int = 60) -> list[Step]:
    """From 2.3 up by 4 at step 5, and within ``lasts`` steps down to ``end`` below its start."""
    rng = random.Random(seed)
    losses = []
    for i in range(n):
        back = 1.0 - math.exp(-max(0, i - 5) / lasts)
        level = 2.3 if i < 5 else 6.3 - (4.0 + end) * back
        losses.append(level + rng.gauss(0, 0.05))
    return [replace(step, grad_norm=None) for step in steps(losses)]


@pytest.mark.parametrize("seed", range(8))
def test_a_loss_that_leapt_and_stands_above_its_start_is_told(seed: int) -> None:
    first, *_ = alerts_of(LrTooHigh(), leapt(seed, end=-1.0))
    assert 48 <= first.step < 60
    assert first.verdict == "too_high"
    assert "above its start" in first.message


@pytest.mark.parametrize("seed", range(8))
def test_a_loss_that_leapt_and_came_back_to_its_start_is_told(seed: int) -> None:
    alerts = alerts_of(LrTooHigh(), leapt(seed, end=0.03, lasts=15))
    assert any("gained nothing" in alert.message for alert in alerts)


@pytest.mark.parametrize("seed", range(8))
def test_a_loss_that_leapt_and_soon_fell_below_its_start_is_not(seed: int) -> None:
    assert alerts_of(LrTooHigh(), leapt(seed, end=0.3, lasts=8)) == []


@pytest.mark.parametrize("seed", range(8))
def test_one_high_loss_in_a_run_that_gains_nothing_is_not(seed: int) -> None:
    rng = random.Random(seed)
    losses = [2.3 + rng.gauss(0, 0.05) for _ in range(400)]
    losses[20] = 9.0
    run = [replace(step, grad_norm=None) for step in steps(losses)]
    assert alerts_of(LrTooHigh(), run) == []


@pytest.mark.parametrize("seed", range(8))
def test_where_norms_are_known_they_decide(seed: int) -> None:
    run = [replace(step, grad_norm=1.0 + 0.01 * (step.step % 7)) for step in leapt(seed, end=0.03)]
    assert not any("gained nothing" in alert.message for alert in alerts_of(LrTooHigh(), run))
