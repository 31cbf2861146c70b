"""A small table learned by heart: the usual batch is solved, single ones burst."""

import math
import random

import pytest

from lrwatch.detectors.easy_problems import batches_solved
from lrwatch.detectors.lr_too_high import LrTooHigh
from lrwatch.records import Step
from lrwatch.stats.shape import shape
from lrwatch.stats.signals import Signals
from tests.detectors.streams import alerts_of, steps


def by_heart(
    seed: int, *, solved: float, usual: float = 0.1, log_norm: float = -6.0, n: int = 130
) -> list[Step]:
    """This share of batches is solved, the others burst, highest in the first 20 steps."""
    rng = random.Random(seed)
    losses, felt = [0.7], [1.0]
    for i in range(n):
        if rng.random() < solved:
            losses.append(usual * math.exp(rng.gauss(0, 0.5)))
            felt.append(math.exp(log_norm + rng.gauss(0, 0.5)))
        else:
            losses.append((25.0 if i < 20 else 5.0) * rng.random())
            felt.append(16.0 * math.exp(rng.gauss(0, 0.2)))
    return steps(losses, felt, [0.1] * len(losses))


def is_solved(run: list[Step]) -> bool:
    signals = Signals()
    for step in run:
        signals.update(step)
        signals.learn()
    seen = shape(signals)
    assert seen is not None
    return batches_solved(signals, seen)


@pytest.mark.parametrize("seed", range(6))
def test_batches_are_solved_whose_losses_are_low_and_whose_gradients_are_gone(seed: int) -> None:
    assert is_solved(by_heart(seed, solved=0.85))
    assert not is_solved(by_heart(seed, solved=0.85, log_norm=-1.0))
    assert not is_solved(by_heart(seed, solved=0.85, usual=2.0))
    assert not is_solved(by_heart(seed, solved=0.2))


@pytest.mark.parametrize("seed", [1, 10, 14])
def test_a_net_whose_usual_batch_is_solved_is_not_stuck_though_single_ones_burst(seed: int) -> None:
    pulled = alerts_of(LrTooHigh(), by_heart(seed, solved=0.65, log_norm=-1.0))
    assert "norm burst to" in pulled[0].message
    assert alerts_of(LrTooHigh(), by_heart(seed, solved=0.65)) == []


@pytest.mark.parametrize("seed", range(6))
def test_dead_units_that_stand_above_the_start_are_no_solved_batches(seed: int) -> None:
    dead = by_heart(seed, solved=0.85, usual=3.0, n=400)
    assert alerts_of(LrTooHigh(), dead)[0].verdict == "too_high"
