import dataclasses
import json
import math
import random

import numpy as np
import pytest
from numpy.typing import NDArray

from lrwatch.records import Step
from lrwatch.stats.shape import MIN_BLOCKS, Shape, shape
from lrwatch.stats.signals import Signals

Floats = NDArray[np.float64]


def fed(steps: list[Step]) -> Signals:
    signals = Signals()
    for step in steps:
        signals.update(step)
        signals.learn()
    return signals


def shape_of(steps: list[Step]) -> Shape:
    found = shape(fed(steps))
    assert found is not None
    return found


def run(n: int, *, seed: int = 0, rates: list[float] | None = None) -> list[Step]:
    """A descent so quiet that nothing is clipped."""
    rng = random.Random(seed)
    return [
        Step(
            step=i,
            loss=2.0 + 3.0 * math.exp(-4.0 * i / n) + rng.gauss(0, 0.02),
            grad_norm=math.exp(rng.gauss(0, 0.1) - i / n),
            lr=rates[i] if rates else 1e-3,
        )
        for i in range(n)
    ]


def upper_median(values: Floats) -> float:
    return float(np.sort(values)[len(values) // 2])


class Reference:
    """The shape once more, by numpy, from the losses of a run that was nowhere clipped."""

    def __init__(self, steps: list[Step], length: int) -> None:
        self.losses = np.array([s.loss for s in steps])
        self.norms = np.log(np.array([s.grad_norm for s in steps], dtype=np.float64))
        self.rates = np.array([s.lr for s in steps])
        self.length = length
        self.n = len(steps) // length
        self.means = self.blocks(self.losses)
        self.levels = self.blocks(self.norms)
        changes = np.abs(np.diff(self.losses, prepend=self.losses[0]))
        self.noises = math.sqrt(math.pi) / 2 * self.blocks(changes)
        self.noise_now = upper_median(self.noises[-(self.n // 4) :])
        self.best = float(np.convolve(self.means, [0.5, 0.5], "valid").min())
        self.now = float(self.means[-(self.n // 4) :].mean())

    def blocks(self, values: Floats) -> Floats:
        whole = self.n * self.length
        means: Floats = values[:whole].reshape(self.n, self.length).mean(axis=1)
        return means

    def thirds(self) -> tuple[float, float, float]:
        clock = np.cumsum(self.blocks(self.rates))
        share = clock / clock[-1]
        first = self.means[share <= 1 / 3 + 1e-9].mean()
        middle = self.means[(share > 1 / 3 + 1e-9) & (share <= 2 / 3 + 1e-9)].mean()
        return first, middle, self.means[share > 2 / 3 + 1e-9].mean()

    def loss_numbers(self) -> dict[str, float]:
        first, middle, last = self.thirds()
        noise, start = upper_median(self.noises), self.losses[0]
        noise_first = upper_median(self.noises[: max(3, self.n // 8)])
        error = 1.5 * noise * math.sqrt(3 / (self.n * self.length))
        begin = upper_median(self.losses[: max(3, min(8, len(self.losses) // 50))])
        fall = max(start, begin) - self.best
        end = min(self.now, self.means[-2:].mean())
        return {
            "gain": (start - self.now) / self.noise_now,
            "drop": fall / noise,
            "above_start": (self.now - start) / noise_first,
            "above_first": (self.now - begin) / self.noise_now,
            "given_back": (end - self.best) / (fall + 0.3 * noise),
            "trend": (first - last) / error,
            "late_ratio": (middle - last) / (first - middle),
            "peak": (self.losses.max() - start) / noise_first,
            "leap": (self.losses.max() - start) / noise,
            "steepest": (self.means[: -(self.n // 16)] - self.means[self.n // 16 :]).max()
            / (self.means[0] - self.means[-(self.n // 8) :].mean()),
        }

    def norm_numbers(self) -> dict[str, float]:
        third, quarter, base = self.n // 3, self.n // 4, self.norms[0]
        return {
            "norm_peak": self.norms.max() - base,
            "norm_level": self.levels.max() - base,
            "norm_trend": self.levels[-third:].mean() - self.levels[:third].mean(),
            "norm_now": self.levels[-quarter:].mean() - base,
        }


@pytest.mark.parametrize("n", [16, 40, 63, 64, 200, 640, 3000])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_numbers_are_those_that_numpy_finds(n: int, seed: int) -> None:
    steps = run(n, seed=seed)
    signals = fed(steps)
    assert sum(signals.blocks.column("excess")) == pytest.approx(0.0, abs=0.2)
    reference = Reference(steps, signals.blocks.length)
    expected = reference.loss_numbers() | reference.norm_numbers()
    found = dataclasses.asdict(shape_of(steps))
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_thirds_are_of_summed_rates_and_not_of_steps() -> None:
    rates = [1e-3 * min(1.0, (i + 1) / 300) for i in range(600)]
    steps = run(600, rates=rates)
    reference = Reference(steps, fed(steps).blocks.length)
    found = shape_of(steps)
    assert found.trend == pytest.approx(reference.loss_numbers()["trend"], rel=1e-5)
    assert found.trend != pytest.approx(shape_of(run(600)).trend, rel=0.05)


def test_there_is_no_shape_before_16_blocks() -> None:
    steps = run(40)
    assert shape(fed(steps[: MIN_BLOCKS - 1])) is None
    assert shape(fed(steps[:MIN_BLOCKS])) is not None


def test_without_a_norm_its_numbers_are_nan_and_the_others_stand() -> None:
    steps = run(200)
    bare = dataclasses.asdict(shape_of([dataclasses.replace(s, grad_norm=None) for s in steps]))
    full = dataclasses.asdict(shape_of(steps))
    nan = {name for name, value in bare.items() if value != value}
    assert nan == {"norm_peak", "norm_level", "norm_trend", "norm_now", "norm_jitter", "tied"}
    assert all(bare[name] == full[name] for name in bare.keys() - nan)


@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 0.0), (1e6, 0.0), (1.0, -100.0), (2.0, 3.0)])
def test_unit_and_zero_of_the_loss_do_not_change_the_shape(scale: float, shift: float) -> None:
    steps = run(500)
    moved = [dataclasses.replace(s, loss=scale * (s.loss or 0.0) + shift) for s in steps]
    expected = dataclasses.asdict(shape_of(steps))
    assert dataclasses.asdict(shape_of(moved)) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_loss_that_only_falls_gives_nothing_back_and_one_that_returns_gives_all() -> None:
    down = [2.0 - 0.01 * i for i in range(100)]
    there = shape_of([Step(step=i, loss=x) for i, x in enumerate(down)])
    back = shape_of([Step(step=i, loss=x) for i, x in enumerate(down + down[::-1])])
    assert there.given_back == 0.0
    assert there.late_ratio == pytest.approx(1.0, abs=0.1)
    assert back.given_back > 0.6


def test_a_fall_in_the_last_steps_is_not_given_back() -> None:
    stairs = [4.0] * 200 + [2.0] * 16
    rng = random.Random(0)
    found = shape_of([Step(step=i, loss=x + rng.gauss(0, 0.1)) for i, x in enumerate(stairs)])
    assert found.given_back < 0.1


def test_a_loss_without_any_spread_has_a_shape_of_numbers() -> None:
    found = shape_of([Step(step=i, loss=1.0, grad_norm=1.0, lr=0.1) for i in range(100)])
    assert (found.gain, found.drop, found.trend, found.peak) == (0.0, 0.0, 0.0, 0.0)
    assert found.rate_now == 1.0


def test_the_rate_now_is_a_share_of_its_highest() -> None:
    steps = run(100, rates=[1e-3 * (1 + i % 4) for i in range(100)])
    assert shape_of(steps[:97]).rate_now == pytest.approx(0.25)


def test_rates_without_a_sum_leave_the_clock_alone() -> None:
    for rate in (0.0, 1.7e308, -1.0):
        found = shape_of([dataclasses.replace(s, lr=rate) for s in run(100)])
        assert math.isfinite(found.trend)


def test_a_look_is_of_now_and_not_of_before_the_step_was_learned() -> None:
    signals = fed(run(63))
    signals.update(Step(step=63, loss=1.0, grad_norm=1.0, lr=1e-3))
    before = shape(signals)
    signals.learn()
    other = Signals()
    other.load_state_dict(json.loads(json.dumps(signals.state_dict())))
    assert shape(signals) == shape(other)
    assert shape(signals) != before


def test_a_step_without_a_loss_can_change_the_rate_now() -> None:
    signals = fed(run(100))
    assert shape(signals) == shape(signals)
    signals.update(Step(step=100, lr=1e-4))
    signals.learn()
    found = shape(signals)
    assert found is not None
    assert found.rate_now == pytest.approx(0.1)


@pytest.mark.parametrize(("bend", "ratio"), [(-1.0, math.inf), (1.0, -math.inf)])
def test_late_progress_without_any_early_is_infinite_by_its_sign(bend: float, ratio: float) -> None:
    losses = [2.0 + 0.001 * i + bend * max(0, i - 66) * 0.01 for i in range(100)]
    found = shape_of([Step(step=i, loss=x) for i, x in enumerate(losses)])
    assert found.late_ratio == ratio


def of_losses(losses: list[float]) -> Shape:
    return shape_of([Step(step=i, loss=x) for i, x in enumerate(losses)])


def test_what_is_left_of_a_fall_counts_with_its_bursts() -> None:
    calm = [1.0 - min(i, 100) / 100 + 0.01 * (i % 2) for i in range(400)]
    bursts = [x + (5.0 if i > 200 and i % 10 == 0 else 0.0) for i, x in enumerate(calm)]
    assert of_losses(calm).left == pytest.approx(1.0, abs=0.02)
    assert of_losses(bursts).left == pytest.approx(0.5, abs=0.1)


def test_what_is_left_counts_from_the_first_losses_where_the_very_first_was_lower() -> None:
    losses = [0.2, *(1.0 - 0.9 * min(i, 100) / 100 for i in range(400))]
    found = of_losses(losses)
    assert (found.left, found.left_from_first) == pytest.approx((1.0, 1.0), abs=0.02)
    losses = [0.2, *(1.0 - 0.9 * min(i, 100) / 100 + (i > 250) * 0.1 for i in range(400))]
    found = of_losses(losses)
    assert found.left < 0.1 < 0.85 < found.left_from_first
    assert of_losses([0.0, *(x + 1.0 for x in losses)]).left == -math.inf
