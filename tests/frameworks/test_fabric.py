"""attach() sees what a loop under Lightning Fabric does, and its state is in the checkpoints."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.fabric import Fabric
from lightning.fabric.loggers import CSVLogger

from lrwatch.hooks.fabric import attach
from tests.frameworks.tiny import as_json, batches, linear
from tests.loop.training import Told

logging.getLogger("lightning.fabric").setLevel(logging.ERROR)


class Loop:
    """A training as Fabric's own documentation writes it."""

    def __init__(self, lr: float, fabric: Fabric | None = None, **settings: Any) -> None:
        self.fabric = fabric or Fabric(accelerator="cpu", devices=1)
        self.told = Told()
        self.losses: list[float] = []
        self.norms: list[float] = []
        model = linear()
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        self.model, self.optimizer = self.fabric.setup(model, optimizer)
        self.data = self.fabric.setup_dataloaders(batches(40))
        settings = as_json(stderr=False, **settings)
        self.watch = attach(self.fabric, self.optimizer, model, sinks=[self.told], **settings)
        self.state = {"model": self.model, "optimizer": self.optimizer, "watch": self.watch}

    def epoch(self) -> None:
        for x, y in self.data:
            self.optimizer.zero_grad()
            loss = ((self.model(x) - y) ** 2).mean()
            self.fabric.backward(loss)
            norm = self.fabric.clip_gradients(self.model, self.optimizer, max_norm=0.5)
            self.optimizer.step()
            self.losses.append(loss.item())
            self.norms.append(float(norm))


def test_the_stream_is_what_the_loop_logs() -> None:
    loop = Loop(0.05, run_dir=False)
    loop.epoch()
    loop.watch.close()
    assert [step.step for step in loop.told.steps] == list(range(40))
    assert loop.told.losses == pytest.approx(loop.losses, rel=1e-6)
    assert loop.told.norms == pytest.approx(loop.norms, rel=1e-6)
    assert max(loop.norms) > 0.5


def test_a_loaded_state_goes_on_counting_and_judging(tmp_path: Path) -> None:
    first = Loop(0.05, run_dir=False)
    first.epoch()
    first.fabric.save(tmp_path / "state.ckpt", first.state)
    first.watch.close()
    second = Loop(0.05, run_dir=False)
    second.fabric.load(tmp_path / "state.ckpt", second.state)
    second.epoch()
    second.watch.close()
    assert [step.step for step in second.told.steps] == list(range(40, 80))


def test_with_back_off_a_run_made_too_hot_ends_finite() -> None:
    loop = Loop(10.0, run_dir=False, backoff={"factor": 0.2})
    for _ in range(4):
        loop.epoch()
    loop.watch.close()
    assert loop.told.actions
    assert loop.losses[-1] < loop.losses[0]


def test_it_writes_where_the_logger_does(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path)
    fabric = Fabric(accelerator="cpu", devices=1, loggers=logger)
    loop = Loop(0.05, fabric)
    loop.epoch()
    loop.watch.close()
    assert (Path(logger.log_dir) / "lrwatch").is_dir()


def test_something_else_than_a_fabric_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"must be a lightning\.Fabric, got Linear"):
        attach(linear(), torch.optim.SGD(linear().parameters(), lr=0.1))
