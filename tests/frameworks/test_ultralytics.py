"""attach() sees what a training by Ultralytics does, and acts on it in its way."""

import csv
import json
import logging
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from ultralytics import YOLO

import lrwatch
from lrwatch.hooks.ultralytics import TrainingWatch, attach
from lrwatch.loop import patches
from tests.frameworks import boxes
from tests.frameworks.tiny import Attached, as_json, linear

torch.set_num_threads(1)
logging.getLogger("ultralytics").setLevel(logging.ERROR)

HOT: dict[str, Any] = {"optimizer": "AdamW", "lr0": 1.0, "lrf": 1.0, "warmup_epochs": 1.0}
GOOD: dict[str, Any] = {"optimizer": "SGD", "lr0": 0.01}


class Training:
    """A training as the documentation of Ultralytics writes it, which logs every batch."""

    def __init__(self, folder: Path, *, start: Path | None = None, **watching: Any) -> None:
        self.folder = folder
        self.model = YOLO(start or boxes.model(folder))
        self.losses: list[float] = []
        self.rates: list[list[float]] = []
        self.steps: list[int] = []
        self.watch = attach(self.model, **as_json(**{"stderr": False, **watching}))
        self.model.add_callback("on_train_start", self.counts_steps)
        self.model.add_callback("on_train_batch_end", self.batch_ended)

    def counts_steps(self, trainer: Any) -> None:
        trainer.optimizer.register_step_post_hook(lambda *_: self.steps.append(len(self.losses)))

    def batch_ended(self, trainer: Any) -> None:
        self.losses.append(float(trainer.loss.detach()) / 8)
        self.rates.append([group["lr"] for group in trainer.optimizer.param_groups])

    def run(self, epochs: int = 3, **settings: Any) -> "Training":
        data = self.folder / "data" / "boxes.yaml"
        settings = {**boxes.QUIET, **GOOD, "project": str(self.folder), "name": "run", **settings}
        self.model.train(
            data=data if data.exists() else boxes.pictures(data.parent), epochs=epochs, **settings
        )
        return self

    @property
    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader((self.folder / "run" / "results.csv").open()))

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = self.model.trainer.model.state_dict()
        return found


def test_the_stream_is_what_the_trainer_logs(tmp_path: Path, told: list[Attached]) -> None:
    training = Training(tmp_path).run(warmup_bias_lr=0.1)
    steps = told[0].steps
    assert [step.step for step in steps] == list(range(12))
    assert told[0].losses == pytest.approx(training.losses, rel=1e-6)
    for epoch, row in enumerate(training.rows):
        logged = sum(float(row[f"train/{name}_loss"]) for name in ("box", "cls", "dfl"))
        seen = told[0].losses[4 * epoch : 4 * epoch + 4]
        assert sum(x for x in seen if x is not None) / 4 == pytest.approx(logged, rel=1e-5)
    assert [list(point.lrs) for point in told[0].points] == training.rates
    assert training.rates[0] == [0.0, 0.0, 0.1]
    assert told[0].settings["total_steps"] == 12
    assert (tmp_path / "run" / "lrwatch" / "alerts.jsonl").exists()
    assert patches.listeners == ()


def test_a_step_over_several_batches_has_their_mean(tmp_path: Path, told: list[Attached]) -> None:
    training = Training(tmp_path, run_dir=False).run(nbs=32, warmup_epochs=1.0)
    ends = [step + 1 for step in training.steps]
    means = [sum(training.losses[a:b]) / (b - a) for a, b in zip([0, *ends], ends, strict=False)]
    assert [b - a for a, b in zip([0, *ends], ends, strict=False)] == [1, 2, 4, 4]
    assert told[0].losses == pytest.approx(means, rel=1e-6)


def test_the_last_batch_may_be_smaller(tmp_path: Path, told: list[Attached]) -> None:
    boxes.pictures(tmp_path / "data", n=10)
    training = Training(tmp_path, run_dir=False).run()
    assert told[0].losses[::2] == pytest.approx(training.losses[::2], rel=1e-6)
    assert told[0].losses[1::2] == pytest.approx([8 * x / 2 for x in training.losses[1::2]])


def test_a_training_made_too_hot_is_accused(tmp_path: Path) -> None:
    training = Training(tmp_path, run_dir=False).run(epochs=6, **HOT)
    assert "lr_too_high" in {alert.kind for alert in training.watch.alerts}
    assert training.watch.verdict == "too_high"


def test_with_back_off_the_same_training_gets_somewhere(
    tmp_path: Path, told: list[Attached]
) -> None:
    training = Training(tmp_path, run_dir=False, backoff=True).run(epochs=10, **HOT)
    assert {action.kind for action in told[0].actions} >= {"rewind"}
    assert max(training.losses[-8:]) < min(training.losses[:3])
    assert [rates[0] for rates in training.rates[4:]] == [1.0] * 36
    assert all(torch.isfinite(value).all() for value in training.weights.values())


def test_a_back_off_that_gives_up_ends_the_training(tmp_path: Path, told: list[Attached]) -> None:
    training = Training(tmp_path, run_dir=False, backoff={"floor": 0.9}).run(epochs=10, **HOT)
    assert told[0].actions[-1].kind == "stop"
    assert len(training.losses) == told[0].actions[-1].step + 1
    assert (tmp_path / "run" / "weights" / "last.pt").exists()


def test_weights_and_results_are_the_same_with_and_without(tmp_path: Path) -> None:
    runs = []
    for name in ("watched", "alone"):
        (tmp_path / name).mkdir()
        training = Training(tmp_path / name, run_dir=False)
        if name == "alone":
            training.model.clear_callback("on_train_start")
        runs.append(training.run())
    weights = [training.weights for training in runs]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    rows = [[{**row, "time": ""} for row in training.rows] for training in runs]
    assert rows[0] == rows[1]


def test_a_resumed_training_goes_on_counting_and_judging(
    tmp_path: Path, told: list[Attached]
) -> None:
    class CutOffError(Exception):
        pass

    def cut_off(trainer: Any) -> None:
        if trainer.epoch == 2:
            raise CutOffError

    training = Training(tmp_path, run_dir=False)
    training.model.add_callback("on_train_epoch_start", cut_off)
    with pytest.raises(CutOffError):
        training.run(epochs=4)
    assert patches.listeners == ()
    last = tmp_path / "run" / "weights" / "last.pt"
    assert json.loads(last.with_suffix(".lrwatch.json").read_text())["watches"][0]["n_steps"] == 8
    resumed = Training(tmp_path, start=last, run_dir=False)
    resumed.model.train(resume=True)
    assert [step.step for step in told[1].steps] == list(range(8, 16))
    assert told[1].losses == pytest.approx(resumed.losses, rel=1e-6)


def test_optimizer_auto_is_said_to_ignore_the_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Training(tmp_path, run_dir=False, stderr=True).run(epochs=1, optimizer="auto", lr0=0.5)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "optimizer=auto" in line]
    assert line.startswith("lrwatch: optimizer=auto took AdamW at 0.001667 and ignores lr0=0.5")


def test_recovering_from_nan_is_a_rewind_and_no_trouble_of_its_own(
    tmp_path: Path, told: list[Attached]
) -> None:
    training = Training(tmp_path, run_dir=False)
    poisoned: list[int] = []

    def poison(trainer: Any) -> None:
        if trainer.epoch == 2 and not poisoned:
            poisoned.append(len(training.losses))
            next(trainer.model.parameters()).data.fill_(math.nan)

    training.model.add_callback("on_train_batch_start", poison)
    training.run(epochs=12, warmup_epochs=1.0)
    (action,) = told[0].actions
    assert (action.kind, action.step, action.to_step) == ("rewind", 12, 8)
    assert "reloaded last.pt (1 of 3)" in action.reason
    assert {alert.kind for alert in training.watch.alerts} == {"non_finite"}
    assert all(alert.onset == 8 for alert in training.watch.alerts)
    assert training.watch.alerts[-1].state == "closed"
    assert len(told[0].steps) == 4 * 12 + 4


def test_a_pretrained_model_at_a_rate_for_scratch_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    Training(tmp_path / "before", run_dir=False).run(epochs=20, optimizer="AdamW")
    start = tmp_path / "before" / "run" / "weights" / "last.pt"
    training = Training(tmp_path, start=start, run_dir=False).run(epochs=8, **HOT)
    told = [alert.advice for alert in training.watch.alerts if alert.verdict == "too_high"]
    assert told
    assert "the model was pretrained" in told[0]


def test_several_trainings_of_one_model_are_watched_one_by_one(
    tmp_path: Path, told: list[Attached]
) -> None:
    training = Training(tmp_path)
    training.run(epochs=1)
    training.run(epochs=1)
    assert [len(sink.steps) for sink in told] == [4, 4]
    assert (tmp_path / "run-2" / "lrwatch").is_dir() or (tmp_path / "run2" / "lrwatch").is_dir()


def test_a_watch_that_is_pickled_keeps_its_settings() -> None:
    watch = TrainingWatch(run_dir="runs/a", backoff={"factor": 0.5})
    copy = pickle.loads(pickle.dumps(watch))
    assert copy.as_dict() == watch.as_dict()
    assert copy.alerts == []


def test_something_else_than_a_model_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"model must be of ultralytics, .* got Linear"):
        attach(linear())


def test_a_wrong_setting_is_refused_before_the_training(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="floor must be > 0 and < 1, got 2"):
        attach(YOLO(boxes.model(tmp_path)), backoff={"floor": 2})


def test_readers_find_what_was_written(tmp_path: Path) -> None:
    training = Training(tmp_path).run()
    steps = list(lrwatch.read(tmp_path / "run" / "lrwatch"))
    assert steps[-1].loss == pytest.approx(training.losses[-1], rel=1e-5)
