"""A step() that calls its parent class's is one step; what is wrapped is watched where it steps."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from lrwatch import attach
from lrwatch.loop.nesting import may_nest
from tests.loop.training import Told, loss_of, small_model, train

N = 30


class Decaying(SGD):
    """Does something of its own after the step of its parent."""

    def step(self, closure: Any = None) -> Any:
        result = super().step(closure)
        with torch.no_grad():
            for param in self.param_groups[0]["params"]:
                param *= 1 - 1e-4 * self.param_groups[0]["lr"] * (param.grad is not None)
        return result


class Twice(Decaying):
    def step(self, closure: Any = None) -> Any:
        return super().step(closure)


def nested(cls: type[SGD], params: Any, lr: float = 0.01) -> SGD:
    """Torch wraps the step() of a class at its first instance: here it did so for the parents."""
    for parent in cls.__mro__[: cls.__mro__.index(SGD) + 1]:
        parent([nn.Parameter(torch.zeros(1))], lr=lr)
    return cls(params, lr=lr)


@pytest.mark.parametrize("cls", [Decaying, Twice])
def test_a_step_inside_of_a_step_is_not_another(cls: type[SGD]) -> None:
    model, told = small_model(), Told()
    optimizer = nested(cls, model.parameters())
    with attach(optimizer, run_dir=False, norm_every=1, sinks=[told]) as watch:
        logged = train(model, optimizer, N)
    assert told.losses == logged
    assert None not in told.norms
    assert watch.n_steps == N


@pytest.mark.parametrize("cls", [Decaying, Twice])
def test_a_closure_handed_on_to_a_parent_is_recorded_once(cls: type[SGD]) -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = nested(cls, model.parameters())

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = loss_of(model, 0)
        loss.backward()
        logged.append(loss.item())
        return loss

    with attach(optimizer, run_dir=False, sinks=[told]):
        for _ in range(N):
            optimizer.step(closure)
    assert told.losses == logged


def test_a_step_that_raised_inside_of_another_leaves_the_next_one_to_be_seen() -> None:
    model, told = small_model(), Told()
    optimizer = nested(Twice, model.parameters())

    def failing() -> Tensor:
        raise InterruptedError

    with attach(optimizer, run_dir=False, sinks=[told]):
        for _ in range(3):
            with pytest.raises(InterruptedError):
                optimizer.step(failing)
        logged = train(model, optimizer, N)
    assert told.losses == logged


def test_the_rates_of_a_back_off_hold_until_the_outer_step_ends() -> None:
    model = small_model()
    seen = []

    class Looking(SGD):
        def step(self, closure: Any = None) -> Any:
            before = self.param_groups[0]["lr"]
            super().step(closure)
            seen.append((before, self.param_groups[0]["lr"]))

    optimizer = nested(Looking, model.parameters(), lr=8.0)
    seen.clear()
    with attach(optimizer, model, run_dir=False, stderr=False, backoff=True):
        train(model, optimizer, 100)
    assert any(before < 8.0 for before, _ in seen)
    assert all(before == after for before, after in seen)
    assert optimizer.param_groups[0]["lr"] == 8.0


def test_classes_that_have_one_step_are_known_to_have_one() -> None:
    params = list(small_model().parameters())

    class Renamed(AdamW):
        pass

    one = [Adam(params), AdamW(params), Renamed(params), SGD(params)]
    assert not any(map(may_nest, one))
    assert may_nest(nested(Twice, params))


class SharpnessAware(Optimizer):
    """The base optimizer's step is the only one that is ever called."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, {"lr": lr})
        self.base_optimizer = SGD(self.param_groups, lr=lr)
        self.param_groups = self.base_optimizer.param_groups

    def second_step(self) -> None:
        self.base_optimizer.step()


class Wrapped:
    """No optimizer by its class."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optim = optimizer


def test_an_optimizer_that_leaves_its_steps_to_another_is_watched_there() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = SharpnessAware(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            loss = loss_of(model, i)
            loss.backward()
            optimizer.second_step()
            logged.append(loss.item())
    assert told.losses == logged


def test_a_wrapper_that_is_no_optimizer_is_looked_into() -> None:
    model, told = small_model(), Told()
    optimizer = SGD(model.parameters(), lr=0.01)
    with attach(Wrapped(optimizer), run_dir=False, sinks=[told]):  # type: ignore[arg-type]
        assert told.losses == train(model, optimizer, N)[:0]
    assert len(told.losses) == N
