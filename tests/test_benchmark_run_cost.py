"""What ``lrwatch run`` costs is told apart from what a step costs, by stretches in turns."""

import random

import pytest

from tests.benchmarks.run_cost.inside import Inside
from tests.benchmarks.run_cost.stretches import KINDS, N_STEPS, N_WARM, Stretches, added

BARE_S, COST_S = 0.010, 0.0002


def measured(n_rounds: int, noise_s: float = 0.0) -> Stretches:
    """A training whose steps take a known time, watched and not."""
    rng, now_s, is_on = random.Random(0), 0.0, True

    def turn(on: bool) -> None:
        nonlocal is_on
        is_on = on

    stretches = Stretches(lambda: turn, lambda: (now_s, 2 * now_s))
    for _ in range(N_WARM + n_rounds * len(KINDS) * N_STEPS + 1):
        stretches.step()
        now_s += BARE_S + COST_S * is_on + rng.gauss(0, noise_s)
    stretches.end()
    assert is_on
    return stretches


def test_the_cost_is_found_by_each_clock_and_a_control_costs_nothing() -> None:
    rounds = measured(6).rounds
    assert len(rounds) == 6
    assert added(rounds, "watched", 0).mean == pytest.approx(COST_S)
    assert added(rounds, "watched", 1).mean == pytest.approx(2 * COST_S)
    assert added(rounds, "control", 0).mean == pytest.approx(0.0, abs=1e-12)


def test_the_error_says_how_far_off_it_may_be() -> None:
    cost = added(measured(60, noise_s=0.002).rounds, "watched", 0)
    assert abs(cost.mean - COST_S) < 3 * cost.error
    expected = 0.002 * (1.5 / N_STEPS / 60) ** 0.5
    assert cost.error == pytest.approx(expected, rel=0.3)


def test_a_stretch_that_stood_still_does_not_count() -> None:
    rounds = measured(10).rounds
    rounds[3] = {**rounds[3], "watched": (9.0, 9.0)}
    assert added(rounds, "watched", 0).mean == pytest.approx(COST_S)


def test_time_inside_is_that_of_the_outer_less_that_of_the_inner() -> None:
    inside = Inside()

    def busy(n: int) -> int:
        return sum(range(n))

    inner = inside._timed(busy, -1.0)
    inside.outer(lambda: inner(2_000_000))()
    within = inside.spent_s
    inside.outer(lambda: busy(2_000_000))()
    assert 0 <= within < 0.5 * (inside.spent_s - within)
