"""The callback sees what Lightning's Trainer does, and acts on it in Lightning's way."""

import csv
import logging
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor

from lrwatch.hooks.lightning import LrwatchCallback
from lrwatch.loop import patches
from tests.frameworks.tiny import Attached, as_json, batches, linear

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Regression(LightningModule):
    def __init__(self, lr: float) -> None:
        super().__init__()
        self.model, self.lr = linear(), lr
        self.batch_losses: list[float] = []
        self.norms: list[float] = []

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        loss: Tensor = ((self.model(batch[0]) - batch[1]) ** 2).mean()
        self.batch_losses.append(loss.item())
        self.log("loss", loss)
        return loss

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        flat = torch.cat([p.grad.flatten() for p in self.parameters() if p.grad is not None])
        self.norms.append(float(flat.norm()))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=self.lr)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]


class Adversaries(LightningModule):
    """Two optimizers, stepped by hand; the second one never if told so."""

    def __init__(self, n_stepped: int) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.models = torch.nn.ModuleList([linear(), linear()])
        self.n_stepped = n_stepped

    def training_step(self, batch: list[Tensor], index: int) -> None:
        optimizers = self.optimizers()
        for number in range(self.n_stepped):
            loss = (number + 1) * ((self.models[number](batch[0]) - batch[1]) ** 2).mean()
            optimizers[number].zero_grad()
            self.manual_backward(loss)
            optimizers[number].step()

    def configure_optimizers(self) -> Any:
        return [torch.optim.SGD(model.parameters(), lr=0.01) for model in self.models]


def trainer(folder: Path, *callbacks: Any, **settings: Any) -> Trainer:
    shown = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    defaults = {"logger": False, "enable_checkpointing": False, "max_epochs": 1}
    return Trainer(
        default_root_dir=folder, callbacks=[*callbacks], **{**shown, **defaults, **settings}
    )


def quiet(**settings: Any) -> LrwatchCallback:
    return LrwatchCallback(**as_json(stderr=False, **settings))


def test_the_stream_is_what_lightning_logs(tmp_path: Path, told: list[Attached]) -> None:
    logger = CSVLogger(tmp_path)
    fit = trainer(
        tmp_path, quiet(), LearningRateMonitor("step"), logger=logger, log_every_n_steps=1
    )
    fit.fit(Regression(0.05), batches(40))
    logger.save()
    rows = list(csv.DictReader((Path(logger.log_dir) / "metrics.csv").open()))
    losses = [float(row["loss"]) for row in rows if row["loss"]]
    rates = [float(row["lr-SGD"]) for row in rows if row["lr-SGD"]]
    assert [step.step for step in told[0].steps] == list(range(40)) == list(range(fit.global_step))
    assert told[0].losses == pytest.approx(losses, rel=1e-6)
    assert [step.lr for step in told[0].steps] == pytest.approx(rates, rel=1e-9)
    assert (Path(logger.log_dir) / "lrwatch").is_dir()


def test_accumulated_losses_are_one_step_and_its_norm_is_that_before_clipping(
    tmp_path: Path, told: list[Attached]
) -> None:
    module = Regression(0.05)
    limits = {"accumulate_grad_batches": 4, "gradient_clip_val": 0.01}
    fit = trainer(tmp_path, quiet(run_dir=False), **limits)
    fit.fit(module, batches(40))
    sums = [sum(module.batch_losses[i : i + 4]) / 4 for i in range(0, 40, 4)]
    assert len(told[0].steps) == fit.global_step == 10
    assert told[0].losses == pytest.approx(sums, rel=1e-6)
    assert told[0].norms == pytest.approx(module.norms, rel=1e-6)
    assert min(module.norms) > 0.01
    assert told[0].settings["total_steps"] == 10
    assert told[0].model is module


def test_a_fit_made_too_hot_is_accused(tmp_path: Path) -> None:
    callback = quiet(run_dir=False)
    trainer(tmp_path, callback).fit(Regression(3.0), batches(150))
    assert callback.verdict == "too_high"
    assert "non_finite" in {alert.kind for alert in callback.alerts}


def test_with_back_off_the_same_fit_ends_finite(tmp_path: Path) -> None:
    module = Regression(3.0)
    trainer(tmp_path, quiet(run_dir=False, backoff=True)).fit(module, batches(150))
    assert module.batch_losses[-1] < module.batch_losses[0]
    assert all(torch.isfinite(p).all() for p in module.parameters())


def test_a_back_off_that_gives_up_stops_the_trainer(tmp_path: Path, told: list[Attached]) -> None:
    module = Regression(3.0)
    fit = trainer(tmp_path, quiet(run_dir=False, backoff={"floor": 0.9}))
    fit.fit(module, batches(150))
    assert fit.should_stop
    assert [action.kind for action in told[0].actions][-1] == "stop"
    assert fit.state.finished
    assert math.isfinite(float(module.model.weight.sum()))


def test_a_resumed_fit_goes_on_counting_and_judging(tmp_path: Path, told: list[Attached]) -> None:
    first = trainer(tmp_path, quiet(run_dir=False), max_steps=30)
    first.fit(Regression(0.05), batches(60))
    first.save_checkpoint(tmp_path / "last.ckpt")
    callback = quiet(run_dir=False)
    second = trainer(tmp_path, callback, max_steps=60, max_epochs=2)
    second.fit(Regression(0.05), batches(60), ckpt_path=str(tmp_path / "last.ckpt"))
    assert [step.step for step in told[1].steps] == list(range(30, 60))
    assert callback.state_dict()["watches"][0]["watcher"] != {}
    assert callback.state_dict()["watches"][0]["n_steps"] == second.global_step == 60


def test_a_resumed_fit_remembers_what_was_wrong(tmp_path: Path) -> None:
    first = trainer(tmp_path, quiet(run_dir=False), max_steps=50)
    first.fit(Regression(3.0), batches(60))
    first.save_checkpoint(tmp_path / "last.ckpt")
    callback = quiet(run_dir=False)
    second = trainer(tmp_path, callback, max_steps=51, max_epochs=2)
    second.fit(Regression(3.0), batches(60), ckpt_path=str(tmp_path / "last.ckpt"))
    assert callback.verdict == "too_high"


def test_a_checkpoint_of_an_unwatched_fit_gives_the_first_step(
    tmp_path: Path, told: list[Attached]
) -> None:
    first = trainer(tmp_path, max_steps=30)
    first.fit(Regression(0.05), batches(60))
    first.save_checkpoint(tmp_path / "last.ckpt")
    second = trainer(tmp_path, quiet(run_dir=False), max_steps=40, max_epochs=2)
    second.fit(Regression(0.05), batches(60), ckpt_path=str(tmp_path / "last.ckpt"))
    assert [step.step for step in told[0].steps] == list(range(30, 40))


def test_every_optimizer_has_its_own_stream(tmp_path: Path, told: list[Attached]) -> None:
    trainer(tmp_path, quiet()).fit(Adversaries(2), batches(20))
    assert [len(sink.steps) for sink in told] == [20, 20]
    assert told[1].losses[0] == pytest.approx(2 * (told[0].losses[0] or 0.0))
    assert [sink.settings["total_steps"] for sink in told] == [None, None]
    assert {p.name for p in tmp_path.iterdir()} == {"optimizer-1", "optimizer-2"}


def test_an_optimizer_that_never_steps_gets_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer(tmp_path, LrwatchCallback(run_dir=False)).fit(Adversaries(1), batches(5))
    lines = [line for line in capsys.readouterr().err.splitlines() if "lrwatch" in line]
    assert len(lines) == 1
    assert "optimizer 2 never stepped" in lines[0]


def test_several_optimizers_of_an_unwatched_checkpoint_share_its_steps(
    tmp_path: Path, told: list[Attached]
) -> None:
    first = trainer(tmp_path)
    first.fit(Adversaries(2), batches(10))
    first.save_checkpoint(tmp_path / "last.ckpt")
    second = trainer(tmp_path, quiet(run_dir=False), max_epochs=2)
    second.fit(Adversaries(2), batches(10), ckpt_path=str(tmp_path / "last.ckpt"))
    assert [sink.steps[0].step for sink in told] == [10, 10]


def test_a_fit_that_fails_leaves_no_hook(tmp_path: Path) -> None:
    module = Adversaries(3)
    with pytest.raises(IndexError):
        trainer(tmp_path, quiet(run_dir=False)).fit(module, batches(5))
    assert patches.listeners == ()


def test_weights_are_bit_identical_with_and_without(tmp_path: Path) -> None:
    weights = []
    for callbacks in ([], [quiet(run_dir=False)]):
        seed_everything(0, verbose=False)
        module = Regression(0.05)
        trainer(tmp_path, *callbacks).fit(module, batches(20))
        weights.append(module.model.weight.detach())
    assert torch.equal(*weights)


def test_a_fast_dev_run_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trainer(tmp_path, quiet(), fast_dev_run=True).fit(Regression(0.05), batches(5))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_field_of_the_back_off_is_refused_at_construction() -> None:
    with pytest.raises(ValueError, match="backoff has no field 'flor'"):
        LrwatchCallback(backoff={"flor": 0.1})
