"""Rates to try: the farther off, the more harm a launch did, or the less a slow run gained."""

import math

import pytest

from lrwatch.detectors.rates_to_try import (
    HUNDREDTH,
    TENFOLD,
    TENTH,
    THIRTIETH,
    THIRTYFOLD,
    Instead,
    higher,
    lower,
)
from lrwatch.stats.signals import Signals
from tests.detectors.streams import steps


def after(losses: list[float]) -> Signals:
    signals = Signals()
    for step in steps(losses):
        signals.update(step)
        signals.learn()
    return signals


@pytest.mark.parametrize(
    ("end", "norm_peak", "expected"),
    [
        (0.9, 3.0, TENTH),
        (0.9, 12.0, TENTH),
        (30.0, 3.0, THIRTIETH),
        (30.0, math.nan, THIRTIETH),
        (30.0, 12.0, HUNDREDTH),
    ],
)
def test_a_launch_that_did_more_harm_is_told_a_lower_rate(
    end: float, norm_peak: float, expected: Instead
) -> None:
    assert lower(after([1.0] + [end] * 40), norm_peak) == expected


def test_the_same_losses_shifted_or_scaled_are_told_the_same() -> None:
    for losses in ([-3.0] + [-2.0] * 40, [1e-6] + [2e-6] * 40):
        assert lower(after(losses), 3.0) == THIRTIETH


def test_a_run_that_gained_less_is_told_a_higher_rate() -> None:
    assert higher(4.0) == TENFOLD
    assert higher(0.5) == higher(-2.0) == THIRTYFOLD


@pytest.mark.parametrize("instead", [TENTH, THIRTIETH, HUNDREDTH, TENFOLD, THIRTYFOLD])
def test_words_numbers_and_evidence_say_the_same(instead: Instead) -> None:
    nearer, farther = instead.factors
    expected = f" (now 0.01, so {0.01 * nearer:.2g} or {0.01 * farther:.2g})"
    assert instead.numbers(0.01) == expected
    assert instead.evidence(0.01) == {
        "lr_judged": 0.01,
        "lr_to_try": pytest.approx(0.01 * nearer),
        "lr_to_try_next": pytest.approx(0.01 * farther),
    }


@pytest.mark.parametrize("lr", [math.nan, 0.0])
def test_a_rate_that_is_not_known_is_not_named(lr: float) -> None:
    assert TENTH.numbers(lr) == ""
    assert all(math.isnan(float(value or 0.0)) for value in TENTH.evidence(lr).values())
