"""Which rate is tried next, and what is read off the trials."""

import math

import pytest

from lrwatch.range_test import bracket
from lrwatch.range_test.trial import Trial


def trial(lr: float, gain: float, error: float = 0.001) -> Trial:
    return Trial(lr=lr, gain=gain, error=error, n_steps=50)


def gains(best: float, lr: float) -> float:
    return 1 - math.log10(lr / best) ** 2


@pytest.mark.parametrize("best", [1e-4, 0.003, 0.01, 0.02, 1.0])
def test_trials_end_with_near_neighbours_on_either_side_of_the_best(best: float) -> None:
    trials: list[Trial] = []
    while (lr := bracket.next_lr(trials, 0.01)) is not None:
        trials.append(trial(lr, gains(best, lr)))
        assert len(trials) < 12
    assert bracket.is_enclosed(trials)
    assert bracket.peak(trials) == pytest.approx(best, rel=0.05)


def test_while_nothing_happens_the_rate_goes_up() -> None:
    trials = [trial(0.01, 0.0005), trial(0.001, 0.0007)]
    assert bracket.next_lr(trials, 0.01) == pytest.approx(0.01 * math.sqrt(10))


def test_below_two_rates_that_do_nothing_no_lower_one_is_tried() -> None:
    trials = [trial(0.001, 0.0002), trial(0.003, 0.0001), trial(0.01, -1.0)]
    assert bracket.next_lr(trials, 0.01) is None


def test_where_every_trial_broke_off_the_rate_goes_down() -> None:
    trials = [trial(0.01, -math.inf), trial(0.1, -math.inf)]
    assert bracket.next_lr(trials, 0.01) == pytest.approx(0.01 / math.sqrt(10))


def test_the_peak_is_the_vertex_of_a_parabola_in_the_logarithm() -> None:
    trials = [trial(lr, 2 - (math.log(lr / 0.02)) ** 2) for lr in (0.01, 0.03, 0.05)]
    assert bracket.peak(trials) == pytest.approx(0.02)


def test_beside_a_trial_that_broke_off_the_peak_is_the_trial_itself() -> None:
    trials = [trial(0.01, 0.5), trial(0.02, 1.0), trial(0.03, -math.inf)]
    assert bracket.peak(trials) == 0.02


@pytest.mark.parametrize(
    ("far", "gain", "flat"),
    [(0.1, 0.71, True), (0.1, 0.69, False), (0.099, 0.99, False), (0.1, -math.inf, False)],
)
def test_trials_are_flat_where_a_rate_far_above_gained_nearly_as_much(
    far: float, gain: float, flat: bool
) -> None:
    trials = [trial(0.001, 0.9), trial(0.01, 1.0), trial(far, gain), trial(1.0, -math.inf)]
    assert bracket.is_flat(trials) is flat
    assert bracket.highest_alike(trials) == (far if gain > 0.7 else 0.01)


def test_the_lowest_rate_with_a_share_of_the_gain_lies_between_trials() -> None:
    trials = [trial(0.001, 0.0), trial(0.1, 1.0), trial(1.0, 0.2)]
    assert bracket.lowest_with(0.5, trials) == pytest.approx(0.01)


@pytest.mark.parametrize("losses", [[1.0] * 10, [*[1.0] * 49, math.nan]])
def test_a_trial_that_broke_off_gains_nothing(losses: list[float]) -> None:
    assert Trial.of(0.1, losses, [1.0] * 50).gain == -math.inf


def test_a_gain_on_the_same_batches_is_free_of_their_noise() -> None:
    alone = [float(i % 7) for i in range(50)]
    made = Trial.of(0.1, [x - 0.5 for x in alone], alone)
    assert (made.gain, made.error) == (0.5, 0.0)
    assert made.is_sure
    apart = Trial.of(0.1, [x - 0.5 for x in alone], alone, paired=False)
    assert apart.error > 0.5
    assert not apart.is_sure
