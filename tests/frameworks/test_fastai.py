"""The callback sees what fastai's Learner does, and acts on it in its way."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from fastai.callback import schedule  # noqa: F401  # gives Learner its fit_one_cycle and lr_find
from fastai.callback.core import Callback
from fastai.callback.training import GradientAccumulation
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.optimizer import SGD, OptimWrapper

from lrwatch.hooks.fastai import LrwatchCallback
from lrwatch.loop import patches
from tests.frameworks.tiny import Attached, as_json, batches, linear


class Batches(Callback):
    def __init__(self) -> None:
        self.losses: list[float] = []
        self.rates: list[float] = []

    def after_batch(self) -> None:
        if self.training:
            self.losses.append(float(self.learn.loss))
            self.rates.append(self.learn.opt.hypers[-1]["lr"])


class Kept(Callback):
    """Weights and moments after every batch."""

    def before_fit(self) -> None:
        self.after: list[list[torch.Tensor]] = []
        self.start = [p.detach().clone() for p in self.learn.model.parameters()]

    def after_batch(self) -> None:
        if self.training:
            params, opt = list(self.learn.model.parameters()), self.learn.opt
            state = getattr(opt, "opt", opt).state
            moments = [v for p in params for v in state.get(p, {}).values()]
            tensors = [v for v in moments if isinstance(v, torch.Tensor)]
            self.after.append([value.detach().clone() for value in (*params, *tensors)])


def learner(*callbacks: Any, **settings: Any) -> Learner:
    rows = [row for batch in batches(40) for row in zip(*batch, strict=True)]
    loaders = DataLoaders(DataLoader(rows, bs=16), DataLoader(rows[:32], bs=16))
    settings = {"opt_func": SGD, **settings}
    return Learner(loaders, linear(), torch.nn.functional.mse_loss, cbs=[*callbacks], **settings)


def quiet(**settings: Any) -> LrwatchCallback:
    return LrwatchCallback(**as_json(**{"stderr": False, "run_dir": False, **settings}))


@pytest.mark.parametrize("optimizer", [SGD, partial(OptimWrapper, opt=torch.optim.SGD)])
def test_the_stream_is_what_the_learner_sees(optimizer: Any, told: list[Attached]) -> None:
    own = Batches()
    made = learner(quiet(), own, opt_func=optimizer)
    with made.no_logging():
        made.fit_one_cycle(2, 0.1)
    assert [step.step for step in told[0].steps] == list(range(80))
    assert told[0].losses == pytest.approx(own.losses, rel=1e-6)
    assert [step.lr for step in told[0].steps] == pytest.approx(own.rates, rel=1e-9)
    assert told[0].settings["total_steps"] == 80
    assert told[0].model is made.model
    assert patches.listeners == ()
    assert "step" not in vars(made.opt)


def test_accumulated_batches_are_one_step(told: list[Attached]) -> None:
    learn = learner(quiet(), GradientAccumulation(48))
    with learn.no_bar(), learn.no_logging():
        learn.fit(3, 0.05)
    assert len(told[0].steps) == told[0].settings["total_steps"] == 3 * 40 // 3


def test_a_fit_made_too_hot_is_accused() -> None:
    callback = quiet()
    made = learner(callback)
    with made.no_logging():
        made.fit(4, 3.0)
    assert callback.verdict == "too_high"
    assert callback.alerts


def test_with_back_off_the_same_fit_ends_finite(told: list[Attached]) -> None:
    own = Batches()
    made = learner(quiet(backoff=True), own)
    with made.no_logging():
        made.fit(4, 3.0)
    assert told[0].actions
    assert own.losses[-1] < own.losses[0]
    assert set(own.rates) == {3.0}


def test_a_back_off_that_gives_up_ends_the_fit(told: list[Attached]) -> None:
    own = Batches()
    made = learner(quiet(backoff={"floor": 0.9}), own)
    with made.no_logging():
        made.fit(4, 3.0)
    assert told[0].actions[-1].kind == "stop"
    assert len(own.losses) <= told[0].actions[-1].step + 1
    assert patches.listeners == ()


def test_the_learning_rate_finder_is_left_alone(
    told: list[Attached], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = learner(quiet())
    with made.no_logging():
        made.lr_find(num_it=20, show_plot=False)
    assert told == []


def test_weights_are_bit_identical_with_and_without() -> None:
    weights = []
    for callbacks in ([], [quiet()]):
        made = learner(*callbacks)
        with made.no_logging():
            made.fit_one_cycle(1, 0.1)
        weights.append(made.model.weight.detach().clone())
    assert torch.equal(*weights)


@pytest.mark.parametrize(
    "optimizer",
    [partial(SGD, mom=0.9), partial(OptimWrapper, opt=torch.optim.SGD, momentum=0.9)],
)
def test_a_rewind_brings_back_weights_and_moments(optimizer: Any, told: list[Attached]) -> None:
    own = Kept()
    made = learner(quiet(backoff=True), own, opt_func=optimizer, moms=(0.9, 0.9, 0.9))
    with made.no_logging():
        made.fit(3, 30.0)
    rewinds = [action for action in told[0].actions if action.kind == "rewind"]
    assert rewinds
    assert len(own.after[0]) == 4
    for action in rewinds:
        then = own.after[action.to_step - 1] if action.to_step else own.start
        now = own.after[action.step]
        assert len(now) == len(then)
        assert all(map(torch.equal, now, then))
