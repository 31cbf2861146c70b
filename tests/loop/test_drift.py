"""The way of the weights, of walks whose drift is known and of real trainings."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.distributed.fsdp._common_utils import _set_fsdp_flattened

import lrwatch
from lrwatch.loop.device.readback import Readback
from lrwatch.loop.device.slot import Slot
from lrwatch.loop.gradient.drift import N_WEIGHTS, Drift, _some
from lrwatch.records import Point, Step
from lrwatch.sinks.sink import Sink

N = 600


def drifts(update: Callable[[torch.Tensor, int], object], n: int = N) -> list[tuple[int, float]]:
    """What is found while a parameter of 10,000 weights is updated so."""
    torch.manual_seed(0)
    weights = nn.Parameter(torch.randn(10_000))
    drift, found = Drift(Readback()), []
    for step in range(n):
        drift.look(step, [weights])
        known = drift.take(step)
        found += [(step, known)] if known is not None else []
        with torch.no_grad():
            update(weights, step)
    return found


def test_weights_that_go_one_way_have_a_drift_of_one() -> None:
    found = drifts(lambda w, _: w.add_(0.01))
    assert found
    assert all(x == pytest.approx(1.0, abs=1e-3) for _, x in found)


def test_weights_that_diffuse_have_none() -> None:
    found = drifts(lambda w, _: w.add_(0.01 * torch.randn(10_000)))
    assert found
    assert all(abs(x) < 0.1 for _, x in found)


def test_weights_that_turn_back_have_a_negative_one() -> None:
    *_, (_, last) = drifts(lambda w, step: w.add_(0.01 if step < N // 2 else -0.01))
    assert last < -0.5


def test_it_is_looked_at_seldom_and_from_the_32nd_step_on() -> None:
    found = drifts(lambda w, _: w.add_(0.01), n=10_000)
    assert found[0][0] >= 32
    assert len(found) < 50


def test_other_parameters_begin_a_new_way() -> None:
    drift, old, new = Drift(Readback()), torch.zeros(10), torch.zeros(20)
    for step in range(200):
        params = [nn.Parameter((old if step < 100 else new) + step)]
        drift.look(step, params)
        if step in range(100, 132):
            assert drift.take(step) is None
        drift.take(step)
    assert drift.next > 200


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_any_precision_are_looked_at(dtype: torch.dtype) -> None:
    drift, weights = Drift(Readback()), nn.Parameter(torch.zeros(100, dtype=dtype))
    frozen = nn.Parameter(torch.zeros(3), requires_grad=False)
    for step in range(100):
        drift.look(step, [frozen, weights])
        with torch.no_grad():
            weights.add_(1.0)
    assert drift.take(99) == pytest.approx(1.0, abs=1e-2)


def test_nothing_to_look_at_is_no_failure() -> None:
    drift = Drift(Readback())
    for step in range(100):
        drift.look(step, [])
        drift.look(step, [nn.Parameter(torch.zeros(0))])
    assert drift.take(100) is None


def test_weights_that_never_move_say_nothing() -> None:
    found = drifts(lambda w, _: None)
    assert found
    assert all(x != x for _, x in found)


class Late(Slot):
    """A number that arrives when it is told to."""

    def __init__(self, value: float) -> None:
        self.value, self.is_there = value, False

    def ready(self) -> bool:
        return self.is_there

    def take(self) -> float:
        assert self.is_there
        return self.value

    def give_up(self) -> None:
        raise AssertionError


class LateReadback(Readback):
    def __init__(self) -> None:
        super().__init__()
        self.slots: list[Late] = []

    def read(self, value: torch.Tensor) -> Slot:
        self.slots.append(Late(float(value)))
        return self.slots[-1]


def test_a_number_on_its_way_is_not_waited_for() -> None:
    readback = LateReadback()
    drift, weights = Drift(readback), nn.Parameter(torch.zeros(10))
    for step in range(60):
        drift.look(step, [weights])
        assert drift.take(step) is None
        with torch.no_grad():
            weights.add_(1.0)
    readback.slots[0].is_there = True
    assert drift.take(60) == pytest.approx(1.0)
    assert drift.take(61) is None


class Kept(Sink):
    def __init__(self) -> None:
        self.steps: list[Step] = []

    def write_point(self, point: Point) -> None:
        self.steps.append(point.step)

    def write_alert(self, alert: lrwatch.Alert) -> None:
        return

    def write_action(self, action: lrwatch.Action) -> None:
        return

    def close(self) -> None:
        return


def weak_signal(lr: float) -> tuple[lrwatch.Watch, list[Step]]:
    """A regression on twenty features that explain a twentieth of the target."""
    torch.manual_seed(0)
    x = torch.randn(8000, 20)
    y = x @ torch.randn(20, 1) / 20**0.5 * 0.23 + torch.randn(8000, 1)
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer, kept = torch.optim.Adam(model.parameters(), lr), Kept()
    watch = lrwatch.attach(optimizer, run_dir=False, stderr=False, sinks=[kept])
    for _ in range(1000):
        rows = torch.randint(0, 8000, (64,))
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    watch.close()
    return watch, kept.steps


def test_a_run_with_little_to_learn_is_accused_only_where_its_weights_go_one_way() -> None:
    slow, slow_steps = weak_signal(1e-5)
    right, right_steps = weak_signal(3e-3)
    assert slow.verdict == "too_low"
    assert right.verdict != "too_low"
    assert [a.kind for a in right.alerts if a.kind == "lr_too_low" and a.state == "opened"] == []
    last = [
        [s.drift for s in steps if s.drift is not None][-1] for steps in (slow_steps, right_steps)
    ]
    assert last[0] > 0.7
    assert last[1] < 0.4


def test_weights_without_a_shape_are_not_looked_at() -> None:
    drift, lazy = Drift(Readback()), nn.LazyLinear(3).weight
    for step in range(100):
        drift.look(step, [lazy])
    assert (drift.take(100), drift.next > 100) == (None, True)


class Spread(torch.Tensor):
    """Stands in for a DTensor over two ranks."""

    class device_mesh:  # noqa: N801  # as torch calls it
        @staticmethod
        def size() -> int:
            return 2


def flattened(parameter: torch.Tensor) -> torch.Tensor:
    """As FSDP1 marks what it holds a part of."""
    _set_fsdp_flattened(parameter)
    return parameter


@pytest.mark.parametrize("spread", [lambda p: p.as_subclass(Spread), flattened])
def test_weights_that_are_spread_over_ranks_are_not_looked_at(
    spread: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    drift = Drift(Readback())
    for step in range(100):
        drift.look(step, [spread(torch.full((10,), float(step)).requires_grad_())])
    assert drift.take(100) is None


def test_weights_of_two_devices_are_compared_where_nobody_has_to_wait() -> None:
    here, elsewhere = torch.ones(10), torch.ones(10, device="meta")
    found = _some([nn.Parameter(here), nn.Parameter(elsewhere)])
    assert found is not None
    assert found.device.type == "meta"


def test_a_net_of_any_size_takes_a_few_thousand_weights() -> None:
    found = _some([nn.Parameter(torch.zeros(1000, 1000)), nn.Parameter(torch.zeros(3))])
    assert found is not None
    assert N_WEIGHTS <= len(found) < 1.1 * N_WEIGHTS
