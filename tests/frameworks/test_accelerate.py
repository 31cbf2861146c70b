"""attach() sees what a loop under Accelerate does, and its state is in the checkpoints."""

from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration

from lrwatch.control import TrainingStoppedError
from lrwatch.hooks.accelerate import attach
from tests.frameworks.tiny import as_json, batches, linear
from tests.loop.training import Told


class Loop:
    """A training as Accelerate's own documentation writes it."""

    def __init__(self, lr: float, accelerator: Accelerator | None = None, **settings: Any) -> None:
        self.accelerator = accelerator or Accelerator(cpu=True)
        self.told = Told()
        self.losses: list[float] = []
        self.norms: list[float] = []
        self.rates: list[float] = []
        model = linear()
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
        self.model, self.optimizer, self.scheduler, self.data = self.accelerator.prepare(
            model, optimizer, scheduler, batches(40)
        )
        self.watch = attach(
            self.accelerator, self.optimizer, model, sinks=[self.told], **as_json(**settings)
        )

    def epoch(self, clip: float = 1e9) -> None:
        for x, y in self.data:
            with self.accelerator.accumulate(self.model):
                loss = ((self.model(x) - y) ** 2).mean()
                self.accelerator.backward(loss)
                self.losses.append(loss.item())
                if self.accelerator.sync_gradients:
                    norm = self.accelerator.clip_grad_norm_(self.model.parameters(), clip)
                    self.norms.append(float(norm))
                    self.rates.append(self.scheduler.get_last_lr()[0])
                self.optimizer.step()
                self.scheduler.step()
                self.optimizer.zero_grad()

    def train(self) -> None:
        for _ in range(4):
            self.epoch()


def test_the_stream_is_what_the_loop_logs() -> None:
    loop = Loop(0.05, run_dir=False, stderr=False)
    loop.epoch(clip=0.01)
    loop.watch.close()
    assert [step.step for step in loop.told.steps] == list(range(40))
    assert loop.told.losses == pytest.approx(loop.losses, rel=1e-6)
    assert loop.told.norms == pytest.approx(loop.norms, rel=1e-6)
    assert [step.lr for step in loop.told.steps] == pytest.approx(loop.rates, rel=1e-9)
    assert min(loop.norms) > 0.01


def test_accumulated_losses_are_one_step() -> None:
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=4)
    loop = Loop(0.05, accelerator, run_dir=False, stderr=False)
    loop.epoch()
    loop.watch.close()
    sums = [sum(loop.losses[i : i + 4]) / 4 for i in range(0, 40, 4)]
    assert loop.told.losses == pytest.approx(sums, rel=1e-6)


def test_a_run_made_too_hot_is_accused() -> None:
    loop = Loop(3.0, run_dir=False, stderr=False)
    loop.train()
    loop.watch.close()
    assert loop.watch.verdict == "too_high"
    assert loop.watch.alerts


def test_with_back_off_the_same_run_ends_finite() -> None:
    loop = Loop(3.0, run_dir=False, stderr=False, backoff=True)
    loop.train()
    loop.watch.close()
    assert loop.losses[-1] < loop.losses[0]


def test_a_back_off_that_gives_up_raises_out_of_the_loop() -> None:
    loop = Loop(3.0, run_dir=False, stderr=False, backoff={"floor": 0.9})
    with pytest.raises(TrainingStoppedError):
        loop.train()
    loop.watch.close()


def test_a_loaded_state_goes_on_counting_and_judging(tmp_path: Path) -> None:
    first = Loop(0.05, run_dir=False, stderr=False)
    first.epoch()
    first.accelerator.save_state(str(tmp_path / "state"))
    first.watch.close()
    second = Loop(0.05, run_dir=False, stderr=False)
    second.accelerator.load_state(str(tmp_path / "state"))
    second.epoch()
    second.watch.close()
    assert [step.step for step in second.told.steps] == list(range(40, 80))
    assert second.watch.state_dict()["n_steps"] == 80


def test_it_writes_where_the_trackers_do(tmp_path: Path) -> None:
    project = ProjectConfiguration(str(tmp_path), logging_dir=str(tmp_path / "logs"))
    loop = Loop(0.05, Accelerator(cpu=True, project_config=project), stderr=False)
    loop.epoch()
    loop.watch.close()
    assert (tmp_path / "logs" / "lrwatch").is_dir()


def test_something_else_than_an_accelerator_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"must be an accelerate\.Accelerator, got Linear"):
        attach(linear(), torch.optim.SGD(linear().parameters(), lr=0.1))
