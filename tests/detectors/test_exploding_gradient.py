import math
import random

import pytest

from lrwatch.detectors.exploding_gradient import ExplodingGradient
from lrwatch.records import Step
from tests.detectors.streams import alerts_of, brief, noise, steps


def felt(n: int, *, seed: int = 0, sigma: float = 0.1) -> list[float]:
    rng = random.Random(seed)
    return [math.exp(rng.gauss(0, sigma)) for _ in range(n)]


def with_leap(at: int, n: int, *, factor: float = 100.0, seed: int = 0) -> list[Step]:
    norms = felt(300, seed=seed)
    norms[at : at + n] = [factor * x for x in norms[at : at + n]]
    return steps(noise(300, seed=seed), norms)


@pytest.mark.parametrize("seed", range(10))
def test_a_leap_that_lasts_is_a_warning_at_its_fourth_step_and_closed_16_after(seed: int) -> None:
    alerts = alerts_of(ExplodingGradient(), with_leap(100, 10, seed=seed))
    assert brief(alerts) == [
        ("exploding_gradient", "info", 100, "opened"),
        ("exploding_gradient", "warning", 103, "raised"),
        ("exploding_gradient", "info", 125, "closed"),
    ]
    assert {a.onset for a in alerts} == {100}


def test_a_single_leap_is_an_info() -> None:
    alerts = alerts_of(ExplodingGradient(), with_leap(100, 1))
    assert brief(alerts) == [
        ("exploding_gradient", "info", 100, "opened"),
        ("exploding_gradient", "info", 116, "closed"),
    ]


def test_a_leap_below_the_factor_is_nothing() -> None:
    assert alerts_of(ExplodingGradient(), with_leap(100, 50, factor=10.0)) == []
    assert alerts_of(ExplodingGradient(factor=5.0), with_leap(100, 50, factor=10.0)) != []


def test_leaps_while_the_loss_is_above_its_band_are_critical() -> None:
    run = with_leap(100, 20)
    run[98:120] = [Step(step=s.step, loss=50.0, grad_norm=s.grad_norm) for s in run[98:120]]
    severities = [a.severity for a in alerts_of(ExplodingGradient(), run)]
    assert severities[:2] == ["info", "critical"]


def test_a_norm_that_always_scatters_by_as_much_is_not_exploding() -> None:
    run = steps(noise(500), felt(500, sigma=1.2))
    assert alerts_of(ExplodingGradient(), run) == []


def test_a_norm_that_grows_slowly_is_not_exploding() -> None:
    norms = [x * math.exp(i / 100) for i, x in enumerate(felt(1000))]
    assert alerts_of(ExplodingGradient(), steps(noise(1000), norms)) == []


def test_the_level_is_not_moved_by_the_leap_it_judges() -> None:
    alerts = alerts_of(ExplodingGradient(), with_leap(100, 200))
    assert [a.state for a in alerts] == ["opened", "raised"]
    assert alerts[0].limit == pytest.approx(20.0, rel=0.2)
    assert alerts[1].limit == alerts[0].limit


def test_the_first_sixteen_norms_are_only_learned_from() -> None:
    assert alerts_of(ExplodingGradient(), with_leap(1, 13)) == []


def test_the_advice_names_twice_the_usual_norm() -> None:
    first, *_ = alerts_of(ExplodingGradient(), with_leap(100, 1))
    assert first.evidence["level"] == pytest.approx(1.0, rel=0.2)
    level = first.evidence["level"]
    assert isinstance(level, float)
    assert f"clip the gradient norm at {2 * level:.3g}" in first.advice


@pytest.mark.parametrize("hole", [None, math.nan, math.inf, 0.0])
def test_missing_bad_and_zero_norms_are_skipped(hole: float | None) -> None:
    run = with_leap(100, 10)
    holes = [
        x
        for s in run
        for x in (
            Step(step=2 * s.step, loss=s.loss, grad_norm=s.grad_norm),
            Step(step=2 * s.step + 1, grad_norm=hole),
        )
    ]
    assert [a.step for a in alerts_of(ExplodingGradient(), holes)] == [200, 206, 250]


def test_norms_without_any_loss_have_no_level_to_leap_from() -> None:
    run = [Step(step=i, grad_norm=x) for i, x in enumerate(felt(100))]
    assert alerts_of(ExplodingGradient(), run) == []


def test_zero_scatter_leaves_only_the_factor() -> None:
    below = steps(noise(101), [1.0] * 100 + [19.9])
    above = steps(noise(101), [1.0] * 100 + [20.1])
    assert alerts_of(ExplodingGradient(), below) == []
    assert [a.step for a in alerts_of(ExplodingGradient(), above)] == [100]


@pytest.mark.parametrize("patience", [1, 2, 7])
def test_patience_counts_steps_in_a_row(patience: int) -> None:
    alerts = alerts_of(ExplodingGradient(patience=patience), with_leap(100, 10))
    assert [a.step for a in alerts if a.severity == "warning"] == [100 + patience - 1]


def test_bad_arguments_are_named_with_their_value() -> None:
    for bad in (1.0, 0.0, math.nan):
        with pytest.raises(ValueError, match=f"factor must be > 1, got {bad}"):
            ExplodingGradient(factor=bad)
    with pytest.raises(ValueError, match="patience must be >= 1, got 0"):
        ExplodingGradient(patience=0)


def at_the_floor(factor: float, *, rise: float = 0.0) -> list[Step]:
    """The norm falls by e^8 with the loss; then it leaps for ten steps."""
    losses = [100.0 * math.exp(-i / 30) + x for i, x in enumerate(noise(400, sigma=1e-3))]
    norms = [x * max(math.exp(-i / 30), math.exp(-8)) for i, x in enumerate(felt(400))]
    norms[350:360] = [factor * x for x in norms[350:360]]
    losses[350:360] = [x + rise for x in losses[350:360]]
    return steps(losses, norms)


@pytest.mark.parametrize(
    ("factor", "rise", "severities"),
    [
        (100.0, 0.0, {"info"}),
        (100.0, 0.5, {"info"}),
        (1e5, 0.0, {"info", "warning"}),
        (1e5, 0.5, {"info", "warning"}),
        (100.0, 5.0, {"info", "warning", "critical"}),
    ],
)
def test_at_the_floor_a_leap_matters_by_its_first_norm_or_by_what_it_undoes(
    factor: float, rise: float, severities: set[str]
) -> None:
    alerts = alerts_of(ExplodingGradient(), at_the_floor(factor, rise=rise))
    assert alerts
    assert {a.severity for a in alerts} == severities
