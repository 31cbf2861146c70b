import json
import math
import random
from dataclasses import replace

import pytest

from lrwatch.detectors.vanishing_gradient import VanishingGradient
from lrwatch.records import Step
from lrwatch.watcher import Watcher
from tests.detectors.streams import alerts_of, noise, steps, tell


def fading(
    n: int = 400,
    *,
    at: int = 200,
    to: float = 1e-5,
    seed: int = 0,
    losses: list[float] | None = None,
) -> list[Step]:
    rng = random.Random(seed)
    felt = [math.exp(rng.gauss(0, 0.1)) * (to if i >= at else 1.0) for i in range(n)]
    return steps(losses or noise(n, seed=seed), felt)


@pytest.mark.parametrize("seed", range(10))
def test_a_norm_that_is_gone_while_nothing_was_learned_is_told_soon(seed: int) -> None:
    (alert,) = alerts_of(VanishingGradient(), fading(seed=seed))
    assert 200 < alert.step < 232
    assert alert.value is not None
    assert alert.limit is not None
    assert alert.value < alert.limit == pytest.approx(1e-3, rel=0.5)
    assert alert.severity == "warning"


def test_a_norm_that_is_gone_because_the_loss_is_at_its_floor_is_not() -> None:
    losses = [0.01 + 3.0 * math.exp(-i / 30) + x for i, x in enumerate(noise(400, level=0.0))]
    assert alerts_of(VanishingGradient(), fading(losses=losses)) == []


@pytest.mark.parametrize("pace", [0.2, 0.5, 0.8, 0.95])
def test_a_full_batch_that_converges_from_its_first_step_is_not(pace: float) -> None:
    losses = [0.01 + 3.0 * pace ** (2 * i) for i in range(400)]
    run = steps(losses, [pace**i + 1e-12 for i in range(400)])
    assert alerts_of(VanishingGradient(), run) == []


@pytest.mark.parametrize("seed", range(10))
def test_small_batches_of_what_can_be_solved_exactly_are_not(seed: int) -> None:
    """The loss falls to nothing, though by less than the first batches differ."""
    rng = random.Random(seed)
    sizes = [math.exp(-i / 12) * math.exp(rng.gauss(0, 0.4)) for i in range(300)]
    run = steps([0.05 * size**2 for size in sizes], sizes)
    assert alerts_of(VanishingGradient(), run) == []


def test_units_that_died_in_a_leap_just_below_the_start_are_told() -> None:
    first = [2.4, 50.0, 9.0, 30.0, 4.0, 2.6, 3.0, 2.5]
    run = steps(first + [2.303] * 200, [1.0] * 8 + [0.0] * 200)
    assert [a.state for a in alerts_of(VanishingGradient(), run)] == ["opened"]


def test_a_norm_that_fell_to_a_hundredth_is_not() -> None:
    assert alerts_of(VanishingGradient(), fading(to=1e-2)) == []


def test_the_share_can_be_set() -> None:
    assert alerts_of(VanishingGradient(share=0.1), fading(to=1e-2)) != []


def test_a_norm_that_was_tiny_from_the_first_step_on_is_not() -> None:
    assert alerts_of(VanishingGradient(), fading(at=0)) == []


def test_a_norm_of_zero_is_told_after_48_steps() -> None:
    (alert,) = alerts_of(VanishingGradient(), fading(to=0.0))
    assert (alert.step, alert.value) == (247, 0.0)


def test_it_is_closed_when_the_norm_is_back() -> None:
    run = fading(300, at=100)
    run = [replace(s, grad_norm=1.0) if s.step >= 200 else s for s in run]
    alerts = alerts_of(VanishingGradient(), run)
    assert [a.state for a in alerts] == ["opened", "closed"]
    assert 200 < alerts[1].step < 232


@pytest.mark.parametrize("unit", [1e-3, 1e3])
@pytest.mark.parametrize(("back", "n_alerts"), [(5e-3, 1), (0.1, 2)])
def test_it_stays_open_until_the_norm_is_ten_times_the_limit(
    unit: float, back: float, n_alerts: int
) -> None:
    run = [replace(s, grad_norm=unit * (s.grad_norm or 0.0)) for s in fading(300, at=100)]
    run = [replace(s, grad_norm=unit * back) if s.step >= 200 else s for s in run]
    assert len(alerts_of(VanishingGradient(), run)) == n_alerts


def test_the_first_48_steps_are_only_learned_from() -> None:
    alerts = alerts_of(VanishingGradient(), fading(100, at=5))
    assert [a.step for a in alerts if a.step < 47] == []
    assert [a.step for a in alerts] != []


def test_steps_without_a_norm_are_skipped() -> None:
    run = [x for s in fading() for x in (replace(s, step=2 * s.step), Step(step=2 * s.step + 1))]
    (alert,) = alerts_of(VanishingGradient(), fading())
    assert [a.step for a in alerts_of(VanishingGradient(), run)] == [2 * alert.step]


def test_a_loss_without_spread_counts_as_nothing_learned() -> None:
    assert len(alerts_of(VanishingGradient(), fading(losses=[-7.0] * 400))) == 1


def test_a_first_norm_of_zero_is_no_level() -> None:
    run = [replace(s, grad_norm=0.0) for s in fading()]
    assert alerts_of(VanishingGradient(), run) == []


@pytest.mark.parametrize("bad", [0, 1, -0.5, math.nan])
def test_a_bad_argument_is_named_with_its_value(bad: float) -> None:
    with pytest.raises(ValueError, match=rf"share must be in \(0, 1\), got {bad}"):
        VanishingGradient(share=bad)


def test_norms_of_zero_after_a_handful_are_named_as_zero() -> None:
    alert, *_ = alerts_of(VanishingGradient(), steps([1.0] * 60, [0.5] * 3 + [0.0] * 57))
    assert alert.value == 0.0
    assert "gradient norm 0, at first 0.5" in alert.message


def hinge(n: int, *, share: float, seed: int = 0, floor: float = 0.0) -> list[Step]:
    """Batches that keep their margin, whose loss is ``floor`` exactly, but for a share of them."""
    rng = random.Random(seed)
    unsolved = [i != 3 and (i < 60 or rng.random() < share) for i in range(n)]
    losses = [floor + rng.uniform(0.001, 0.02) * u for u in unsolved]
    return steps(losses, [rng.uniform(0.1, 1.0) * u for u in unsolved])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.005, 0.02, 0.06])
@pytest.mark.parametrize("floor", [0.0, -3.0])
def test_batches_that_are_solved_exactly_are_not(share: float, seed: int, floor: float) -> None:
    assert alerts_of(VanishingGradient(), hinge(3000, share=share, seed=seed, floor=floor)) == []


def test_units_that_die_in_a_run_with_solved_batches_are_told() -> None:
    run = hinge(600, share=0.2)
    run += [Step(step=600 + i, loss=0.02, grad_norm=0.0) for i in range(100)]
    (alert,) = alerts_of(VanishingGradient(), run)
    assert (alert.step, alert.value) == (647, 0.0)


def test_what_is_known_of_solved_batches_survives_json() -> None:
    run = hinge(3000, share=0.02)
    watcher = Watcher(detectors=[VanishingGradient()])
    tell(watcher, run[:400])
    resumed = Watcher(detectors=[VanishingGradient()])
    resumed.load_state_dict(json.loads(json.dumps(watcher.state_dict(), allow_nan=False)))
    assert tell(resumed, run[400:]) == tell(watcher, run[400:])
    assert resumed.state_dict() == watcher.state_dict()


def test_nor_are_they_where_hardly_any_batch_had_a_gradient() -> None:
    losses = [0.02 * (i in (0, 2, 4) or i % 30 == 0) for i in range(600)]
    run = steps(losses, [10.0 * loss for loss in losses])
    assert alerts_of(VanishingGradient(), run) == []
