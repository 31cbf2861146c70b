import math
import random
from collections.abc import Sequence

import numpy as np
import pytest

from lrwatch.records import Step
from lrwatch.stats.signals import Signals


def fed(
    losses: Sequence[float | None], *, grad_norm: float | None = None, lr: float | None = None
) -> Signals:
    signals = Signals()
    for i, loss in enumerate(losses):
        signals.update(Step(step=i, loss=loss, grad_norm=grad_norm, lr=lr))
        signals.learn()
    return signals


def calm(n: int, seed: int = 0) -> list[float]:
    rng = random.Random(seed)
    return [3.0 + rng.gauss(0, 0.1) for _ in range(n)]


def test_nothing_is_expected_before_eight_losses() -> None:
    assert math.isnan(fed(calm(7)).high)
    assert math.isnan(fed(calm(7)).low)
    signals = fed(calm(8))
    assert signals.low < signals.recent.median < signals.high


def test_levels_do_not_learn_from_the_losses_they_judge() -> None:
    before = fed(calm(64))
    median, noise, high = before.recent.median, before.recent.noise, before.high
    during = fed([*calm(64), *[50.0] * 23])
    assert (during.recent.median, during.recent.noise, during.high) == (median, noise, high)
    assert during.outside == 23


def test_a_new_level_is_accepted_after_24_losses() -> None:
    assert fed([*calm(64), *[50.0] * 23]).recent.median < 4.0
    assert fed([*calm(64), *[50.0] * 32]).recent.median == 50.0


def test_the_onset_is_the_first_step_outside() -> None:
    signals = fed([*calm(64), 9.0, 9.0, 9.0])
    assert (signals.onset, signals.outside) == (64, 3)
    signals = fed([*calm(64), 9.0, 9.0, 3.0])
    assert (signals.onset, signals.outside) == (66, 0)


def test_what_is_beyond_the_band_is_clipped_from_the_blocks_and_kept_as_excess() -> None:
    signals = fed([*calm(63), 1e6])
    whole = sum(signals.blocks.column("loss")) + sum(signals.blocks.column("excess"))
    assert whole == pytest.approx(math.fsum([*calm(63), 1e6]))
    assert max(signals.blocks.means()) < 5.0


@pytest.mark.parametrize("hole", [None, math.nan, math.inf, -math.inf])
def test_losses_that_are_missing_or_not_finite_teach_nothing(hole: float | None) -> None:
    with_holes = fed([x for loss in calm(100) for x in (loss, hole)])
    without = fed(calm(100))
    assert with_holes.n == without.n == 100
    assert with_holes.recent.state_dict() == without.recent.state_dict()
    assert with_holes.blocks.state_dict() == without.blocks.state_dict()
    assert with_holes.high == without.high


def test_a_review_comes_at_steps_a_tenth_of_the_run_apart_and_only_with_a_loss() -> None:
    signals, reviews = Signals(), []
    for i in range(4000):
        signals.update(Step(step=i, loss=None if i % 2 else 1.0 + 0.001 * (i % 7)))
        if signals.review:
            reviews.append(signals.n)
            assert i % 2 == 0
        signals.learn()
    gaps = np.diff(reviews)
    assert reviews[0] == 21
    assert all(4 <= gap <= max(4, n // 10 + 1) for gap, n in zip(gaps, reviews, strict=False))
    assert len(reviews) < 60


def test_fresh_levels_are_still_news_at_the_next_loss_after_a_hole() -> None:
    signals = fed(calm(64))
    assert signals.fresh
    signals.update(Step(step=64))
    assert not signals.fresh_before
    signals.learn()
    signals.update(Step(step=65, loss=3.0))
    assert signals.fresh_before


def test_z_and_rise_measure_upwards_only() -> None:
    signals = fed(calm(64))
    signals.update(Step(step=64, loss=signals.recent.median + 10.0 * signals.recent.noise))
    assert signals.z() == pytest.approx(10.0)
    assert signals.rise() == pytest.approx(10.0 * signals.recent.noise / signals.swing)
    signals.update(Step(step=65, loss=-100.0))
    assert (signals.z(), signals.rise()) == (0.0, 0.0)


def test_any_rise_over_a_loss_without_spread_is_infinite() -> None:
    signals = fed([1.0] * 64)
    signals.update(Step(step=64, loss=1.0 + 1e-9))
    assert (signals.z(), signals.rise()) == (math.inf, math.inf)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_a_rate_that_cannot_be_one_is_ignored(bad: float) -> None:
    signals = fed(calm(3), lr=0.1)
    signals.update(Step(step=3, loss=1.0, lr=bad))
    assert (signals.lr, signals.lr_peak) == (0.1, 0.1)


def test_a_norm_that_is_not_finite_is_bad_unless_the_step_was_skipped() -> None:
    signals = fed(calm(3), grad_norm=1.0)
    signals.update(Step(step=3, loss=1.0, grad_norm=math.inf))
    assert signals.norm_was_bad
    signals.update(Step(step=4, loss=1.0, grad_norm=math.inf, skipped=True))
    assert not signals.norm_was_bad
    assert (signals.n_norm, signals.norm_peak) == (3, 1.0)


def test_first_level_and_spread_are_of_the_first_eight_losses() -> None:
    signals = fed([5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 100.0, 0.0, 0.0])
    assert signals.first_level == 5.0
    assert signals.first_spread == 6.0 - 3.0
    assert fed([1.0, 9.0]).first_spread == 0.0


def test_the_gain_is_from_the_first_losses_to_the_best_level() -> None:
    losses = [10.0 - 0.05 * i for i in range(100)]
    signals = fed(losses)
    assert signals.gained == pytest.approx(10.0 - signals.best)
    assert 3.5 < signals.gained < 5.0
    assert fed([1.0 + 0.1 * i for i in range(100)]).gained == 0.0
    assert fed(calm(10)).gained == 0.0
