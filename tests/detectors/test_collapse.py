"""A net that was thrown off and gives one answer since: it stands still near its start."""

import math
import random

import pytest

from lrwatch.detectors.lr_too_high import LrTooHigh
from tests.detectors.streams import alerts_of, steps


def told(
    seed: int,
    *,
    end: float = 2.3,
    leap: float = 9.0,
    log_norm: float = -2.0,
    jitter: float = 0.15,
    slope: float = 0.0,
    n: int = 300,
    unit: float = 1.0,
) -> list[str]:
    """What is said of a launch at 2.5 that leaps, and after ten steps is at ``end``."""
    rng = random.Random(seed)
    losses, felt = [2.5], [1.0]
    for i in range(1, n):
        level = 2.5 + leap * (1 - i / 10) if i < 10 else end - slope * i
        losses.append(level + rng.gauss(0, 0.05))
        felt.append(math.exp((0.8 if i < 10 else log_norm) + rng.gauss(0, jitter)))
    run = steps([unit * loss for loss in losses], felt, [0.1] * n)
    return [alert.message for alert in alerts_of(LrTooHigh(), run)]


@pytest.mark.parametrize("seed", range(6))
def test_a_leap_to_one_answer_for_every_input_is_told(seed: int) -> None:
    (first, *_) = told(seed)
    assert first.startswith("loss leapt to 1")
    assert "at first 2.5, with 0.1" in first
    assert "in every batch" in first


@pytest.mark.parametrize("seed", range(6))
def test_it_is_not_where_one_of_its_signs_is_missing(seed: int) -> None:
    assert told(seed, leap=0.0) == []
    assert told(seed, leap=0.7, end=2.45) == []
    assert told(seed, end=1.6) == []
    assert told(seed, log_norm=-1.0) == []
    assert told(seed, jitter=0.6) == []
    assert told(seed, slope=0.003) == []


def test_it_is_not_told_before_a_hundred_losses() -> None:
    assert told(0, n=99) == []


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_the_unit_of_the_loss_does_not_matter(unit: float) -> None:
    assert len(told(0, unit=unit)) == len(told(0)) > 0
