"""The callback sees what Keras does on the backend of torch, and acts on it in its way."""

import functools
import math
import os
import random
from collections.abc import Sequence
from typing import Any

import pytest
import torch

os.environ["KERAS_BACKEND"] = "torch"

import keras
from keras.optimizers import LossScaleOptimizer

from lrwatch.hooks.keras import LrwatchCallback
from lrwatch.loop import patches
from tests.frameworks.tiny import Attached, as_json, batches


class Batches(keras.callbacks.Callback):
    """The loss of every batch, which Keras tells as a mean over the epoch so far."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []
        self.mean = 0.0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.losses.append(logs["loss"] * (batch + 1) - self.mean * batch)
        self.mean = logs["loss"]


class Kept(keras.callbacks.Callback):
    """After every batch: the two moving statistics, then weights and moments."""

    def __init__(self) -> None:
        super().__init__()
        self.after: list[list[torch.Tensor]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.start = self.now()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.after.append(self.now())

    def now(self) -> list[torch.Tensor]:
        moments = [v for v in self.model.optimizer.variables if "momentum" in v.name]
        kept = (*self.model.non_trainable_variables, *self.model.trainable_variables, *moments)
        return [v.value.detach().clone() for v in kept]


class Weight(keras.layers.Layer):
    """Gives its weight, which grows; the loss stands on a plateau after a short fall."""

    def build(self, shape: Any) -> None:
        self.w = self.add_weight(shape=(1,), initializer="zeros")
        self.rng, self.n = random.Random(0), 0

    def call(self, x: Any) -> Any:
        return 0 * x + self.w

    def loss(self, y: Any, weight: Any) -> Any:
        self.n += 1
        level = 1.0 + math.exp(-self.n / 5) + self.rng.gauss(0, 0.01)
        return level + keras.ops.mean(weight.detach() - weight)


class InATrial(keras.callbacks.Callback):
    """Asks for the weights in the middle of a trial, and ends the fit there."""

    def __init__(self, tried: LrwatchCallback) -> None:
        super().__init__()
        self.tried, self.n = tried, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        ladder = self.tried._watches._watches[0].backoff._ladder
        self.n += ladder._course.contest is not None
        if self.n == 3:
            self.before = float(self.model.trainable_variables[0].value)
            self.asked = float(self.model.get_weights()[0][0])
            self.model.stop_training = True


class Best(keras.callbacks.Callback):
    """Puts the best weights in place at the end, as EarlyStopping does; or an average, unsaid."""

    def on_train_end(self, logs: Any = None) -> None:
        self.model.trainable_variables[0].assign([77.0])


def fit(
    lr: Any,
    *callbacks: Any,
    n_epochs: int = 1,
    layers: Sequence[Any] = (),
    wrapped: Any = None,
    **compiling: Any,
) -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), *layers, keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(lr, **compiling)
    model.compile(wrapped(optimizer) if wrapped else optimizer, "mse")
    data = batches(40)
    history = model.fit(data, epochs=n_epochs, callbacks=[*callbacks], verbose=0)
    model.history_of_test = history.history["loss"]
    return model


def quiet(**settings: Any) -> LrwatchCallback:
    return LrwatchCallback(**as_json(**{"stderr": False, "run_dir": False, **settings}))


def test_the_stream_is_what_keras_logs(told: list[Attached]) -> None:
    own = Batches()
    model = fit(0.05, quiet(), own, loss_scale_factor=8.0, clipnorm=0.1)
    assert [step.step for step in told[0].steps] == list(range(40))
    assert told[0].losses == pytest.approx(own.losses, rel=1e-4)
    losses = [loss for loss in told[0].losses if loss is not None]
    assert sum(losses) / 40 == pytest.approx(model.history_of_test[0], rel=1e-5)
    assert [step.lr for step in told[0].steps] == pytest.approx([0.05] * 40)
    assert told[0].settings["total_steps"] == 40
    assert patches.listeners == ()
    assert "apply" not in vars(model.optimizer)


def test_schedules_are_followed_and_left_alone(told: list[Attached]) -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 10, 0.5)
    fit(schedule, quiet())
    rates = [step.lr for step in told[0].steps]
    assert rates == pytest.approx([0.05 * 0.5 ** (i / 10) for i in range(40)], rel=1e-5)


def test_a_fit_made_too_hot_is_accused() -> None:
    callback = quiet()
    fit(3.0, callback, n_epochs=3)
    assert callback.verdict == "too_high"
    assert callback.alerts


@pytest.mark.parametrize("is_schedule", [False, True])
def test_with_back_off_the_same_fit_ends_finite(told: list[Attached], is_schedule: bool) -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(3.0, 1000, 0.9)
    model = fit(schedule if is_schedule else 3.0, quiet(backoff=True), n_epochs=4)
    assert told[0].actions
    assert model.history_of_test[-1] < model.history_of_test[0]
    if not is_schedule:
        assert float(model.optimizer.learning_rate) == 3.0


def test_a_rewind_brings_back_weights_moments_and_statistics(told: list[Attached]) -> None:
    own = Kept()
    layers = [keras.layers.BatchNormalization()]
    fit(30.0, quiet(backoff=True), own, n_epochs=3, layers=layers, momentum=0.9)
    rewinds = [action for action in told[0].actions if action.kind == "rewind"]
    assert rewinds
    assert len(own.start) == 2 + 4 + 4
    for action in rewinds:
        assert action.to_step is not None
        before = own.after[action.to_step - 1] if action.to_step else own.start
        then = [*own.after[action.to_step][:2], *before[2:]]  # those moved in the forward pass
        assert all(map(torch.equal, own.after[action.step], then))


def test_a_back_off_that_gives_up_stops_the_fit(told: list[Attached]) -> None:
    own = Batches()
    fit(3.0, quiet(backoff={"floor": 0.9}), own, n_epochs=4)
    assert told[0].actions[-1].kind == "stop"
    assert len(own.losses) == told[0].actions[-1].step + 1


def test_weights_are_bit_identical_with_and_without() -> None:
    runs = [fit(0.05, *callbacks).get_weights() for callbacks in ([], [quiet()])]
    pairs = zip(*runs, strict=True)
    assert all(torch.equal(torch.tensor(a), torch.tensor(b)) for a, b in pairs)


def test_a_second_fit_of_one_callback_starts_anew(told: list[Attached]) -> None:
    callback = quiet()
    fit(0.05, callback)
    fit(0.05, callback)
    assert [len(sink.steps) for sink in told] == [40, 40]


def test_weights_that_are_asked_for_and_the_best_are_no_trials() -> None:
    weight, callback = Weight(), quiet(backoff=True)
    model = keras.Sequential([keras.Input((8,)), weight])
    model.compile(keras.optimizers.SGD(0.1), weight.loss)
    own = InATrial(callback)
    model.fit(batches(40), epochs=50, callbacks=[Best(), callback, own], verbose=0)
    assert own.n == 3
    assert own.asked > own.before + 1.0
    assert float(model.get_weights()[0][0]) == 77.0
    assert "get_weights" not in vars(model)


@pytest.mark.parametrize("lr", [0.05, 3.0])
@pytest.mark.parametrize("is_dynamic", [True, False])
def test_a_loss_scale_is_seen_through(told: list[Attached], lr: float, is_dynamic: bool) -> None:
    scaled: dict[str, Any] = {"loss_scale_factor": 2.0**10}
    if is_dynamic:
        scaled = {"wrapped": functools.partial(LossScaleOptimizer, initial_scale=2.0**10)}
    models = [fit(lr, quiet(backoff=True), **settings) for settings in ({}, scaled)]
    assert told[1].losses == told[0].losses
    assert told[1].norms == told[0].norms
    assert [step.lr for step in told[1].steps] == [step.lr for step in told[0].steps]
    assert told[1].actions == told[0].actions
    assert bool(told[0].actions) == (lr == 3.0)
    assert models[1].get_weights()[0].tolist() == models[0].get_weights()[0].tolist()
    assert not {"apply", "scale_loss"} & set(vars(models[1].optimizer))


def test_steps_that_a_loss_scale_skips_are_no_trouble(told: list[Attached]) -> None:
    callback = quiet(backoff=True)
    fit(0.05, callback, wrapped=functools.partial(LossScaleOptimizer, initial_scale=2.0**130))
    assert all(step.skipped for step in told[0].steps)
    assert len(told[0].steps) == 40
    assert callback.alerts == []
    assert told[0].actions == []


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="Keras must run on torch, got jax"):
        quiet()
