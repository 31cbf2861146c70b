"""While nothing happens a back-off is told of steps late, but first of what it has to act upon."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import lrwatch
from lrwatch.control.controller import BackoffController
from lrwatch.control.pace import Pace
from lrwatch.policy.ladder import Ladder
from lrwatch.policy.move import Seen
from lrwatch.policy.settings import Backoff
from tests.loop.training import Told

torch.set_num_threads(1)
N = 400


class Training:
    """A regression whose loss has noise and a floor."""

    def __init__(self, lr: float = 0.02) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr)
        self.n = 0
        self.rates: list[float] = []

    def note_rates(self) -> None:
        """Note the rate of every update, as the hooks that are there already leave it."""
        self.optimizer.register_step_pre_hook(self._before_update)

    def _before_update(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self.rates.append(optimizer.param_groups[0]["lr"])

    def go(self, n_steps: int, *, factor: float = 1.0) -> None:
        for _ in range(n_steps):
            x = torch.randn(32, 4)
            y = x.sum(dim=1, keepdim=True) + 0.3 * torch.randn(32, 1)
            self.optimizer.zero_grad()
            (factor * nn.functional.mse_loss(self.model(x), y)).backward()
            self.optimizer.step()
            self.n += 1

    def weights(self) -> torch.Tensor:
        return nn.utils.parameters_to_vector(self.model.parameters()).detach().clone()


class Calls(list[tuple[str, int]]):
    """What a controller was told: asked before an update, or passed after it."""

    def steps(self, kind: str) -> list[int]:
        return [step for name, step in self if name == kind]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    found = Calls()

    def noting(name: str) -> None:
        original = getattr(BackoffController, name)

        def noted(self: BackoffController, *args: Any) -> Any:
            found.append((name, args[1] if name == "before_step" else args[0]))
            return original(self, *args)

        monkeypatch.setattr(BackoffController, name, noted)

    noting("before_step")
    noting("passed")
    return found  # type: ignore[return-value]


def attach(training: Training, **settings: Any) -> lrwatch.Watch:
    settings = {"run_dir": False, "stderr": False, "backoff": True, **settings}
    watch = lrwatch.attach(training.optimizer, training.model, **settings)
    training.note_rates()
    return watch


def test_every_step_is_told_once_and_in_order_and_most_of_them_late(calls: Calls) -> None:
    training = Training()
    with attach(training):
        training.go(N)
    assert [step for _, step in calls] == list(range(N))
    asked = calls.steps("before_step")
    assert asked[:128] == list(range(128))
    assert len(asked) < 128 + (N - 128) // 5


def test_a_step_is_told_late_by_a_sixteenth_of_those_before_it_at_most(calls: Calls) -> None:
    training = Training()
    with attach(training):
        training.go(N)
    assert all(b - a <= max(8, b // 16) for a, b in pairwise(calls.steps("before_step")))


def test_a_healthy_run_ends_with_the_weights_that_it_has_without(calls: Calls) -> None:
    bare = Training(lr=0.002)
    bare.go(N)
    training = Training(lr=0.002)
    with attach(training):
        training.go(N)
    assert torch.equal(bare.weights(), training.weights())
    assert calls.steps("passed")


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), 1e4])
def test_a_bad_batch_is_left_out_before_its_update(calls: Calls, factor: float) -> None:
    training = Training()
    with attach(training):
        training.go(N)
        before = training.weights()
        training.go(1, factor=factor)
        after = training.weights()
    assert torch.equal(before, after)
    assert calls.steps("before_step")[-1] == N


@pytest.mark.parametrize("value", [float("nan"), 1e6])
def test_a_bad_gradient_that_nobody_looked_at_is_undone_by_a_rewind(value: float) -> None:
    training = Training()
    with attach(training) as watch:
        training.go(N)
        with unlooked(training, value):
            training.go(1)
        hurt = training.weights()
        training.go(60)
        after = training.weights()
        assert watch.state_dict()["controller"]["ladder"]["scale"] > 0.2
    assert not bool(hurt.isfinite().all()) or float(hurt.norm()) > 1e3
    assert float(after.norm()) < 100.0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_with_a_norm_at_every_step_no_bad_gradient_reaches_the_weights(value: float) -> None:
    training = Training()
    with attach(training, norm_every=1):
        training.go(N)
        before = training.weights()
        with unlooked(training, value):
            training.go(1)
        assert torch.equal(before, training.weights())


@contextmanager
def unlooked(training: Training, value: float) -> Iterator[None]:
    """A gradient that is bad although the loss is as ever, on a step whose norm is not due."""
    weight = next(training.model.parameters())
    handle = weight.register_hook(lambda gradient: torch.full_like(gradient, value))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "perf_counter", lambda: -1.0)
        patch.setattr("lrwatch.loop.short_step.perf_counter", lambda: -1.0)
        yield
    handle.remove()


def test_what_the_user_asks_between_two_steps_is_answered_from_all_of_them(calls: Calls) -> None:
    training = Training()
    with attach(training) as watch:
        training.go(N)
        assert watch.verdict
        assert [step for _, step in calls] == list(range(N))
        training.go(N)
    assert [step for _, step in calls] == list(range(2 * N))


def test_the_norm_is_taken_at_every_step_until_all_is_calm() -> None:
    training, told = Training(), Told()
    with attach(training, sinks=[told]):
        training.go(N)
    taken = [step.step for step in told.steps if step.grad_norm is not None]
    assert taken[:128] == list(range(128))
    assert len(taken) < N - 50


def test_a_lowered_rate_is_lent_to_every_update_and_told_beside_the_scheduled_one() -> None:
    training, told = Training(), Told()
    with attach(training, sinks=[told]) as watch:
        state = watch.state_dict()
        state["controller"]["ladder"]["scale"] = 0.5
        watch.load_state_dict(state)
        training.go(N)
        assert training.optimizer.param_groups[0]["lr"] == 0.02
    assert training.rates == [0.01] * N
    assert {step.lr for step in told.steps} == {0.01}
    assert {point.lrs for point in told.points} == {(0.02,)}
    assert {point.lr_scale for point in told.points} == {0.5}


def test_the_policy_hears_of_the_scheduled_rate_asked_or_told_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: dict[str, set[float]] = {"decide": set(), "passed": set()}
    for name, rates in heard.items():
        method = getattr(Ladder, name)

        def hearing(
            ladder: Ladder, seen: Seen, method: Any = method, rates: set[float] = rates
        ) -> Any:
            rates.add(seen.rate)
            return method(ladder, seen)

        monkeypatch.setattr(Ladder, name, hearing)
    training = Training()
    with attach(training, sinks=[]) as watch:
        state = watch.state_dict()
        state["controller"]["ladder"]["scale"] = 0.5
        watch.load_state_dict(state)
        training.go(N)
    assert heard == {"decide": {0.02}, "passed": {0.02}}


def test_disarmed_in_the_calm_the_next_update_has_the_rate_of_the_schedule(tmp_path: Path) -> None:
    training = Training()
    with attach(training, run_dir=tmp_path) as watch:
        state = watch.state_dict()
        state["controller"]["ladder"]["scale"] = 0.5
        watch.load_state_dict(state)
        training.go(N)
        (tmp_path / "lrwatch").mkdir(exist_ok=True)  # by the thread, if it came to it
        (tmp_path / "lrwatch" / "disarm").touch()
        training.go(3)
    assert training.rates[N - 1 :] == [0.01, 0.02, 0.02, 0.02]


def seen(step: int, loss: float, norm: float | None = 1.0) -> Seen:
    return Seen(step=step, loss=loss, grad_norm=norm, rate=0.1, moved=lambda: 0.2)


def descent(step: int) -> float:
    return 1.0 + 5.0 / math.sqrt(1 + step) + 0.01 * ((7 * step) % 5)


def test_a_ladder_that_steps_pass_by_knows_what_one_knows_that_is_asked() -> None:
    asked, passed = Ladder(Backoff()), Ladder(Backoff())
    for step in range(N):
        assert not asked.decide(seen(step, descent(step)))
        if passed.calm is None or step % 8 == 0:
            assert not passed.decide(seen(step, descent(step)))
        else:
            passed.passed(seen(step, descent(step)))
    assert asked.calm == passed.calm
    assert asked.state_dict() == passed.state_dict()


def test_a_batch_that_stands_out_ends_the_calm() -> None:
    ladder = Ladder(Backoff())
    for step in range(N):
        ladder.decide(seen(step, descent(step)))
    bounds = ladder.calm
    assert bounds is not None
    assert bounds.loss < 10.0
    assert bounds.grad_norm == pytest.approx(10.0)
    assert [move.kind for move in ladder.decide(seen(N, 100.0))] == ["skip"]
    assert ladder.calm is None


def test_norms_that_are_unknown_do_not_count_as_none_at_all() -> None:
    ladder = Ladder(Backoff())
    for step in range(200):
        ladder.decide(seen(step, descent(step), 1.0 if step < 150 else None))
    assert set(ladder._course.arm.norms) == {1.0}


def test_snapshots_are_as_far_apart_as_their_cost_asks_for() -> None:
    pace = Pace()
    assert pace.saved(0, 0.0, 0.1) == 0
    assert pace.saved(20, 0.3, 0.31) == pytest.approx(200, abs=1)
    assert pace.saved(40, 10.31, 10.35) == pytest.approx(4, abs=1)


def test_dear_snapshots_lie_a_tenth_of_the_run_apart_at_most() -> None:
    ladder, taken = Ladder(Backoff()), []
    for step in range(1000):
        ladder.space_snapshots(10**6)
        ladder.decide(seen(step, descent(step)))
        if ladder.save:
            taken.append(step)
    assert taken[:3] == [0, 19, 29]
    assert all(b - a <= max(10, 0.11 * b) for a, b in pairwise(taken[1:]))
    assert len(taken) < 40
