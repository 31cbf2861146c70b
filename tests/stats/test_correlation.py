import math
import random

import numpy as np
import pytest

from lrwatch.records import Step
from lrwatch.stats.correlation import correlation
from lrwatch.stats.signals import Signals


def fed(losses: list[float], norms: list[float | None]) -> Signals:
    signals = Signals()
    for i, (loss, norm) in enumerate(zip(losses, norms, strict=True)):
        signals.update(Step(step=i, loss=loss, grad_norm=norm, lr=0.1))
        signals.learn()
    return signals


def drawn(tie: float, n: int = 1024, seed: int = 0) -> tuple[list[float], list[float]]:
    """Losses and norms that share ``tie`` of what moves them, on a falling line."""
    rng = random.Random(seed)
    losses, norms = [], []
    for i in range(n):
        both = rng.gauss(0, 1)
        losses.append(9 - 4 * i / n + 0.1 * (tie * both + (1 - tie) * rng.gauss(0, 1)))
        norms.append(math.exp(0.1 * (tie * both + (1 - tie) * rng.gauss(0, 1)) - i / n))
    return losses, norms


@pytest.mark.parametrize("tie", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_it_is_the_correlation_of_what_is_left_of_both_without_their_lines(tie: float) -> None:
    losses, norms = drawn(tie)
    at = np.arange(512)
    parts = [np.asarray(losses)[512:], np.log(norms)[512:]]
    left = [x - np.polyval(np.polyfit(at, x, 1), at) for x in parts]
    expected = float(np.corrcoef(*left)[0, 1])
    assert correlation(fed(losses, list(norms)).blocks) == pytest.approx(expected, abs=0.05)


def test_units_and_zero_of_the_loss_do_not_matter() -> None:
    losses, norms = drawn(0.5)
    one = correlation(fed(losses, list(norms)).blocks)
    other = correlation(fed([1e6 * x - 3e6 for x in losses], [1e-3 * x for x in norms]).blocks)
    assert other == pytest.approx(one, abs=1e-6)


def test_norms_at_some_steps_only_are_enough() -> None:
    losses, norms = drawn(0.8)
    some = [norm if i % 4 == 0 else None for i, norm in enumerate(norms)]
    whole = correlation(fed(losses, list(norms)).blocks)
    assert correlation(fed(losses, some).blocks) == pytest.approx(whole, abs=0.1)


def test_without_norms_it_is_unknown_and_of_a_still_run_zero() -> None:
    losses, _ = drawn(0.5)
    assert math.isnan(correlation(fed(losses, [None] * len(losses)).blocks))
    assert correlation(fed([1.0] * 200, [1.0] * 200).blocks) == 0.0


@pytest.mark.parametrize("huge", [1e300, -1e300])
def test_losses_too_large_to_square_leave_it_finite(huge: float) -> None:
    losses, norms = drawn(0.5, 256)
    found = correlation(fed([huge * x for x in losses], list(norms)).blocks)
    assert -1.0 <= found <= 1.0
