"""The handler sees what an engine of Ignite does, and acts on it in its way."""

from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events, create_supervised_trainer
from ignite.handlers import Checkpoint, DiskSaver, FastaiLRFinder

from lrwatch.hooks.ignite import LrwatchHandler
from lrwatch.loop import patches
from tests.frameworks.tiny import Attached, as_json, batches, linear


class Loop:
    """A training as Ignite's own documentation writes it."""

    def __init__(self, lr: float, **settings: Any) -> None:
        self.model = linear()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr)
        self.losses: list[float] = []
        self.trainer = Engine(self.update)
        self.handler = LrwatchHandler(
            self.optimizer, model=self.model, **as_json(**{"stderr": False, **settings})
        )
        self.handler.attach(self.trainer)
        self.trainer.add_event_handler(Events.ITERATION_COMPLETED, self.log)

    def update(self, engine: Engine, batch: list[torch.Tensor]) -> float:
        self.optimizer.zero_grad()
        loss = ((self.model(batch[0]) - batch[1]) ** 2).mean()
        loss.backward()
        self.optimizer.step()
        return float(loss)

    def log(self, engine: Engine) -> None:
        self.losses.append(engine.state.output)

    def train(self, n_epochs: int = 1) -> "Loop":
        self.trainer.run(batches(40), max_epochs=n_epochs)
        return self

    @property
    def parts(self) -> dict[str, Any]:
        parts = {"model": self.model, "optimizer": self.optimizer}
        return {**parts, "trainer": self.trainer, "watch": self.handler}


def test_the_stream_is_what_the_engine_puts_out(told: list[Attached]) -> None:
    loop = Loop(0.05, run_dir=False).train()
    assert [step.step for step in told[0].steps] == list(range(40))
    assert told[0].losses == pytest.approx(loop.losses, rel=1e-6)
    assert told[0].settings["total_steps"] == 40
    assert told[0].model is loop.model
    assert patches.listeners == ()


def supervised(n_batches: int) -> tuple[Engine, LrwatchHandler]:
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loss = torch.nn.functional.mse_loss
    trainer = create_supervised_trainer(
        model, optimizer, loss, gradient_accumulation_steps=n_batches
    )
    handler = LrwatchHandler(optimizer, model=model, run_dir=False, stderr=False)
    handler.attach(trainer)
    return trainer, handler


@pytest.mark.parametrize(("n_batches", "n_steps"), [(1, 40), (4, 10), (7, 5)])
def test_accumulated_batches_are_one_step(
    n_batches: int, n_steps: int, told: list[Attached]
) -> None:
    trainer, handler = supervised(n_batches)
    trainer.run(batches(40), max_epochs=1)
    assert told[0].settings["total_steps"] == n_steps
    assert handler._watches.n_steps == [n_steps]
    trainer.run(batches(40), max_epochs=2)
    assert told[1].settings["total_steps"] == 80 // n_batches
    assert handler._watches.n_steps == [80 // n_batches]
    again, handler = supervised(n_batches)
    again.load_state_dict(trainer.state_dict())
    again.run(batches(40), max_epochs=3)
    assert handler._watches.n_steps == [120 // n_batches]


def test_a_run_that_goes_on_counts_the_steps_that_a_loop_of_its_own_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = Loop(0.05, run_dir=False)
    step, state = loop.optimizer.step, loop.trainer.state
    monkeypatch.setattr(loop.optimizer, "step", lambda: state.iteration % 4 or step())
    assert loop.train(1).handler._watches.n_steps == [10]
    assert loop.train(3).handler._watches.n_steps == [30]
    state.iteration = state.epoch = 0
    assert loop.train(1).handler._watches.n_steps == [10]


def test_a_run_made_too_hot_is_accused() -> None:
    loop = Loop(3.0, run_dir=False).train(4)
    assert loop.handler.verdict == "too_high"
    assert loop.handler.alerts


def test_with_back_off_the_same_run_ends_finite(told: list[Attached]) -> None:
    loop = Loop(3.0, run_dir=False, backoff=True).train(4)
    assert told[0].actions
    assert loop.losses[-1] < loop.losses[0]


def test_a_back_off_that_gives_up_terminates_the_engine(told: list[Attached]) -> None:
    loop = Loop(3.0, run_dir=False, backoff={"floor": 0.9}).train(4)
    assert told[0].actions[-1].kind == "stop"
    assert loop.trainer.state.iteration == told[0].actions[-1].step + 1
    assert patches.listeners == ()


def test_a_resumed_run_goes_on_counting_and_judging(tmp_path: Path, told: list[Attached]) -> None:
    first = Loop(0.05, run_dir=False)
    saver = Checkpoint(first.parts, DiskSaver(str(tmp_path)), n_saved=1)
    first.trainer.add_event_handler(Events.EPOCH_COMPLETED, saver)
    first.train()
    second = Loop(0.05, run_dir=False)
    Checkpoint.load_objects(second.parts, torch.load(next(tmp_path.glob("*.pt"))))
    second.train(2)
    assert [step.step for step in told[1].steps] == list(range(40, 80))
    assert second.handler.state_dict()["watches"][0]["n_steps"] == 80


def test_it_writes_to_the_run_directory(tmp_path: Path) -> None:
    Loop(0.05, run_dir=str(tmp_path / "run")).train()
    assert (tmp_path / "run" / "lrwatch").is_dir()


def test_a_learning_rate_finder_is_left_alone_and_the_run_after_it_watched(
    told: list[Attached],
) -> None:
    loop, finder = Loop(1e-4, run_dir=False, backoff=True), FastaiLRFinder()
    ramp = {"end_lr": 100.0, "num_iter": 40, "output_transform": float}
    kept = {"model": loop.model, "optimizer": loop.optimizer}
    with finder.attach(loop.trainer, kept, **ramp) as ramped:
        ramped.run(batches(40))
    assert told == []
    loop.train()
    assert [step.step for step in told[0].steps] == list(range(40))


def test_bad_use_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="needs an optimizer"):
        LrwatchHandler()
    handler = LrwatchHandler(torch.optim.SGD(linear().parameters(), lr=0.1))
    with pytest.raises(TypeError, match="a model is given by its name"):
        LrwatchHandler(torch.nn.Linear(1, 1))
    with pytest.raises(TypeError, match=r"must be an ignite\.engine\.Engine, got Linear"):
        handler.attach(linear())
    with pytest.raises(ValueError, match="floor must be > 0"):
        LrwatchHandler(torch.optim.SGD(linear().parameters(), lr=0.1), backoff={"floor": 2})


def test_an_optimizer_that_never_steps_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    loop = Loop(0.05, run_dir=False, stderr=True)
    loop.trainer._process_function = lambda engine, batch: 0.0
    loop.train()
    assert "optimizer 1 never stepped" in capsys.readouterr().err
