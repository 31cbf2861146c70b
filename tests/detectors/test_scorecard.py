import math
from dataclasses import asdict, fields, replace

import pytest

from lrwatch.detectors.scorecard import NUMBERS, Scorecard
from lrwatch.detectors.small_steps import could_be, stands_still
from lrwatch.detectors.too_low_card import TOO_LOW
from lrwatch.stats.shape import Shape

QUIET = Shape(**dict.fromkeys((f.name for f in fields(Shape)), 0.0))
CARD = Scorecard(bias=-1.0, points={"gain": ((0.0, 2.0), (5.0, -4.0)), "tied": ((0.5, 1.0),)})


@pytest.mark.parametrize(
    ("gain", "tied", "odds"),
    [(-1.0, 0.0, -1.0), (1.0, 0.0, 1.0), (6.0, 0.0, -3.0), (6.0, 0.9, -2.0), (0.0, 0.5, -1.0)],
)
def test_points_of_all_limits_that_are_passed_add_up_to_the_log_odds(
    gain: float, tied: float, odds: float
) -> None:
    given = CARD.probability(replace(QUIET, gain=gain, tied=tied))
    assert math.log(given / (1.0 - given)) == pytest.approx(odds)


def test_what_is_not_known_passes_no_limit() -> None:
    assert CARD.probability(replace(QUIET, gain=math.nan)) == CARD.probability(QUIET)


@pytest.mark.parametrize("odds", [-1e9, 1e9])
def test_any_odds_make_a_probability(odds: float) -> None:
    assert 0.0 < Scorecard(bias=odds, points={}).probability(QUIET) <= 1.0


def test_the_card_knows_every_number_by_rising_limits() -> None:
    assert tuple(TOO_LOW.points) == NUMBERS
    assert set(NUMBERS) <= asdict(QUIET).keys()
    for steps in TOO_LOW.points.values():
        limits = [limit for limit, _ in steps]
        assert limits == sorted(set(limits))


@pytest.mark.parametrize(
    ("number", "worse"), [("gain", 40.0), ("peak", 30.0), ("norm_peak", 4.0), ("norm_now", -2.0)]
)
def test_a_gain_a_leap_or_a_gradient_that_shrank_speak_against_a_rate_too_low(
    number: str, worse: float
) -> None:
    assert TOO_LOW.probability(replace(QUIET, **{number: worse})) < TOO_LOW.probability(QUIET)


@pytest.mark.parametrize(
    "change",
    [
        {"gain": 16.5},
        {"gain": 9.0, "steepest": 0.6},
        {"late_ratio": 2.0, "trend": 7.0},
        {"late_ratio": 0.4, "trend": 5.0},
        {"late_ratio": 1.0, "trend": 5.0, "early": 0.6},
        {"norm_now": -1.3},
        {"peak": 13.0},
        {"norm_peak": 2.6},
    ],
)
def test_small_steps_make_no_large_gain_no_stair_no_fall_off_a_plateau_and_no_leap(
    change: dict[str, float],
) -> None:
    assert could_be(QUIET)
    assert not could_be(replace(QUIET, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"trend": 5.0},
        {"norm_trend": 0.4},
        {"norm_now": -0.6},
        {"norm_level": 0.9},
        {"peak": 13.0},
        {"drop": 3.0, "early": 0.6, "late_ratio": -0.1},
    ],
)
def test_a_run_stands_still_only_if_nothing_of_it_moves(change: dict[str, float]) -> None:
    assert stands_still(QUIET)
    assert not stands_still(replace(QUIET, **change))
