"""What a watch should have seen and did not: it says so, once, and accuses nobody of it."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Optimizer

from lrwatch import attach
from tests.loop.training import loss_of, small_model, train

NO_GRADIENT = (
    "lrwatch: no gradient reached this optimizer's parameters in 20 steps: was the model made "
    "again after it, or are gradients zeroed before step()?"
)
NO_LOSS = (
    "lrwatch: no loss seen in 20 steps: call watch.observe(loss) between backward() and "
    "optimizer.step()"
)
Said = Callable[[], list[str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return lambda: [s for s in capsys.readouterr().err.splitlines() if s.startswith("lrwatch: ")]


def step(
    model: nn.Module, optimizer: Optimizer, i: int, *, zeroed: bool = False, clips: bool = False
) -> None:
    loss_of(model, i).backward()
    if zeroed:
        optimizer.zero_grad()
    if clips:
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


@pytest.mark.parametrize("norm_every", [None, 1, 7])
def test_an_optimizer_of_another_model_is_named_once(said: Said, norm_every: int | None) -> None:
    optimizer = SGD(small_model().parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, norm_every=norm_every) as watch:
        train(small_model(), optimizer, 300)
    assert said() == [NO_GRADIENT]
    assert watch.alerts == []


@pytest.mark.parametrize("clips", [False, True])
def test_gradients_that_are_zeroed_before_the_step_are_named_once(said: Said, clips: bool) -> None:
    model = small_model()
    optimizer = SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False):
        for i in range(300):
            step(model, optimizer, i, zeroed=True, clips=clips)
    assert said() == [NO_GRADIENT]


@pytest.mark.parametrize("n_before", [4, 100, 700])
def test_a_model_that_is_made_again_in_mid_run_is_named(said: Said, n_before: int) -> None:
    model = small_model()
    optimizer = SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, stderr=True):
        train(model, optimizer, n_before)
        train(small_model(), optimizer, 100)
    assert said() == [NO_GRADIENT]


@pytest.mark.parametrize("n", [2, 19])
def test_some_steps_without_gradients_are_no_mistake(said: Said, n: int) -> None:
    model = small_model()
    optimizer = SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False):
        for i in range(200):
            step(model, optimizer, i, zeroed=i % (n + 1) > 0)
    assert said() == []


def test_a_model_that_is_frozen_needs_none(said: Said) -> None:
    frozen, model = small_model(), small_model()
    optimizer, other = SGD(frozen.parameters(), lr=0.01), SGD(model.parameters(), lr=0.01)
    frozen.requires_grad_(False)
    with attach(optimizer, run_dir=False), attach(other, run_dir=False):
        for i in range(100):
            loss_of(model, i).backward()
            optimizer.step()
            other.step()
            other.zero_grad()
    assert said() == []


class Evolution(Optimizer):
    def __init__(self, params: Iterable[Any]) -> None:
        super().__init__(params, {"lr": 0.01})

    def step(self, closure: Any = None) -> Any:
        return closure()


def test_an_optimizer_that_estimates_its_gradients_needs_none(said: Said) -> None:
    model = small_model()
    optimizer = Evolution(model.parameters())
    with attach(optimizer, run_dir=False):
        for i in range(100):
            optimizer.step(lambda i=i: loss_of(model, i).item())
    assert said() == []


def test_the_losses_go_the_short_way_again_once_gradients_arrive() -> None:
    model = small_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    with attach(optimizer, run_dir=False, stderr=False) as watch:
        assert watch._recorder is not None
        losses = watch._recorder.loss
        train(model, optimizer, 20)
        assert losses._goes_short
        for i in range(5):
            step(model, optimizer, i, zeroed=True)
        assert not losses._goes_short
        train(model, optimizer, 20)
        assert losses._goes_short


@pytest.mark.parametrize("n_before", [0, 1, 100])
def test_losses_that_vanish_when_threads_take_turns_are_asked_for_once(
    said: Said, n_before: int
) -> None:
    model = small_model()
    optimizer = SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False), ThreadPoolExecutor(1) as thread:
        train(model, optimizer, n_before)
        for i in range(100):
            thread.submit(loss_of(model, i).backward).result()
            optimizer.step()
            optimizer.zero_grad()
    assert said() == [NO_LOSS]


def test_only_steps_in_a_row_without_a_loss_are_counted(said: Said) -> None:
    model = small_model()
    optimizer = SGD(model.parameters(), lr=0.001)
    with attach(optimizer, run_dir=False) as watch:
        for i in range(100):
            gradients = torch.autograd.grad(loss_of(model, i), list(model.parameters()))
            for param, gradient in zip(model.parameters(), gradients, strict=True):
                param.grad = gradient
            if i % 20 == 19:
                watch.observe(1.0)
            optimizer.step()
    assert said() == []
