import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from lrwatch.detectors.hindsight import hindsight
from lrwatch.records import Step, Verdict
from lrwatch.stats.signals import Signals
from tests.detectors.streams import exponential, power_law, steps, warmup_cosine


def seen(run: list[Step]) -> Verdict:
    signals = Signals()
    for step in run:
        signals.update(step)
        signals.learn()
    return hindsight(signals)


def line(seed: int, n: int = 600) -> list[Step]:
    """Straight down to the end: it could have gone further."""
    rng = random.Random(seed)
    losses = [2.5 - 2.0 * i / n + rng.gauss(0, 0.05) for i in range(n)]
    return steps(losses, [math.exp(rng.gauss(0, 0.1)) for _ in range(n)], [1e-4] * n)


def floor(seed: int, n: int = 600) -> list[Step]:
    """Up a little from the first step on, while the norm has gone down."""
    rng = random.Random(seed)
    losses = [2.5 + 0.0002 * i + (rng.gauss(0, 0.05) if i else 0.0) for i in range(n)]
    felt = [math.exp(-1.2 * min(1.0, i / 8) + rng.gauss(0, 0.1)) for i in range(n)]
    return steps(losses, felt, [1.0] * n)


@pytest.mark.parametrize("seed", range(5))
def test_progress_that_has_not_slowed_at_the_end_was_too_low(seed: int) -> None:
    assert seen(line(seed)) == "too_low"


@pytest.mark.parametrize("seed", range(5))
def test_a_norm_that_fell_while_nothing_was_gained_was_too_high(seed: int) -> None:
    assert seen(floor(seed)) == "too_high"


@pytest.mark.parametrize("seed", range(5))
def test_a_small_gain_that_was_made_at_once_is_how_noisy_labels_look(seed: int) -> None:
    rng = random.Random(seed)
    losses = [0.5 + 0.5 * math.exp(-i / 10) + rng.gauss(0, 0.25) for i in range(600)]
    felt = [math.exp(-1.2 * min(1.0, i / 30) + rng.gauss(0, 0.2)) for i in range(600)]
    assert seen(steps(losses, felt, [0.03] * 600)) == "healthy"


@pytest.mark.parametrize("stream", [power_law, exponential, warmup_cosine])
@pytest.mark.parametrize("seed", range(5))
def test_progress_that_slowed_is_healthy(
    stream: Callable[[int, int], list[Step]], seed: int
) -> None:
    assert seen(stream(seed, 1000)) == "healthy"


@pytest.mark.parametrize("seed", range(5))
def test_a_small_gain_that_slowed_was_too_low_unless_the_norm_had_burst(seed: int) -> None:
    rng = random.Random(seed)
    n = 600
    losses = [2.5 - 0.5 * (1 - math.exp(-4 * i / n)) + rng.gauss(0, 0.1) for i in range(n)]
    run = steps(losses, [math.exp(rng.gauss(0, 0.1)) for _ in range(n)], [1e-4] * n)
    assert seen(run) == "too_low"
    run[5] = replace(run[5], grad_norm=20.0)
    assert seen(run) == "healthy"


@pytest.mark.parametrize("n", [0, 1, 199])
def test_before_200_losses_it_is_undecided(n: int) -> None:
    assert seen(line(0)[:n]) == "undecided"


def test_at_200_losses_it_is_decided() -> None:
    assert seen(line(0, 200)) == "too_low"


def test_a_run_without_norm_or_rate_is_never_accused() -> None:
    assert seen([replace(s, grad_norm=None) for s in line(0)]) == "healthy"
    assert seen([replace(s, lr=None) for s in line(0)]) == "healthy"


def test_a_floor_reached_as_the_rate_decayed_is_not_too_high() -> None:
    decayed = [replace(s, lr=1.0 if s.step < 400 else 0.1) for s in floor(0)]
    assert seen(floor(0)) == "too_high"
    assert seen(decayed) == "undecided"


def test_progress_that_has_not_slowed_was_too_low_only_if_the_weights_go_one_way() -> None:
    assert seen([replace(step, drift=0.9) for step in line(0)]) == "too_low"
    assert seen([replace(step, drift=0.1) for step in line(0)]) == "healthy"
