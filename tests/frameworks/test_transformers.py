"""The callback sees what the Trainer of Transformers does, and acts on it in its way."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from lrwatch.hooks.transformers import LrwatchCallback
from lrwatch.loop import patches
from tests.frameworks.tiny import Attached, as_json

torch.set_num_threads(1)

HOT: dict[str, Any] = {"optim": "sgd", "learning_rate": 1e4, "max_grad_norm": 0}
SAVING: dict[str, Any] = {"save_strategy": "steps", "save_steps": 10}


class Counting(Dataset[dict[str, torch.Tensor]]):
    """Sequences that count upwards from anywhere."""

    def __len__(self) -> int:
        return 256

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        ids = (torch.arange(8) + index * 7) % 32
        return {"input_ids": ids, "labels": ids}


def model() -> GPT2LMHeadModel:
    torch.manual_seed(0)
    return GPT2LMHeadModel(
        GPT2Config(vocab_size=32, n_positions=8, n_embd=16, n_layer=1, n_head=2, bos_token_id=0)
    )


def train(
    folder: Path,
    *callbacks: Any,
    resume: str | None = None,
    n_steps: int = 30,
    start: Path | None = None,
    **settings: Any,
) -> Trainer:
    defaults: dict[str, Any] = {
        "learning_rate": 0.01,
        "logging_steps": 1,
        "logging_strategy": "steps",
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        "per_device_train_batch_size": 4,
    }
    arguments = TrainingArguments(str(folder), max_steps=n_steps, **{**defaults, **settings})
    trained = GPT2LMHeadModel.from_pretrained(start) if start else model()
    trainer = Trainer(trained, arguments, train_dataset=Counting(), callbacks=[*callbacks])
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def logged(trainer: Trainer, name: str) -> list[float]:
    return [float(row[name]) for row in trainer.state.log_history if name in row]


def quiet(**settings: Any) -> LrwatchCallback:
    return LrwatchCallback(**as_json(stderr=False, **settings))


def test_the_stream_is_what_the_trainer_logs(tmp_path: Path, told: list[Attached]) -> None:
    trainer = train(tmp_path, quiet(), max_grad_norm=0.1)
    assert [step.step for step in told[0].steps] == list(range(30))
    assert told[0].losses == pytest.approx(logged(trainer, "loss"), rel=1e-5)
    assert told[0].norms == pytest.approx(logged(trainer, "grad_norm"), rel=1e-5)
    assert min(logged(trainer, "grad_norm")) > 0.1
    rates = [step.lr for step in told[0].steps]
    assert rates == pytest.approx(logged(trainer, "learning_rate"), rel=1e-9)
    assert (tmp_path / "lrwatch").is_dir()
    assert told[0].settings["total_steps"] == 30
    assert told[0].model is trainer.model
    assert patches.listeners == ()


def test_accumulated_losses_are_one_step(tmp_path: Path, told: list[Attached]) -> None:
    trainer = train(tmp_path, quiet(run_dir=False), n_steps=10, gradient_accumulation_steps=4)
    assert len(told[0].steps) == trainer.state.global_step == 10
    assert told[0].losses == pytest.approx(logged(trainer, "loss"), rel=1e-5)


def test_a_loss_that_the_trainer_hides_is_seen(tmp_path: Path, told: list[Attached]) -> None:
    callback = quiet(run_dir=False)
    trainer = train(tmp_path, callback, n_steps=60, **HOT)
    assert all(math.isfinite(loss) for loss in logged(trainer, "loss"))
    assert any(math.isnan(loss) for loss in told[0].losses if loss is not None)
    assert "non_finite" in {alert.kind for alert in callback.alerts}
    assert callback.verdict == "too_high"


def test_with_back_off_the_same_training_ends_finite(tmp_path: Path) -> None:
    trainer = train(tmp_path, quiet(run_dir=False, backoff=True), n_steps=150, **HOT)
    losses = logged(trainer, "loss")
    assert losses[-1] < losses[0]
    assert all(torch.isfinite(p).all() for p in trainer.model.parameters())


def test_a_back_off_that_gives_up_stops_the_trainer(tmp_path: Path, told: list[Attached]) -> None:
    callback = quiet(run_dir=False, backoff={"floor": 0.9})
    trainer = train(tmp_path, callback, n_steps=150, **HOT)
    assert trainer.state.global_step < 150
    assert [action.kind for action in told[0].actions][-1] == "stop"
    assert trainer.state.global_step == told[0].actions[-1].step + 1
    assert train(tmp_path, callback, n_steps=5).state.global_step == 5


@pytest.mark.parametrize("restore", [False, True])
def test_a_resumed_training_goes_on_counting_and_judging(
    tmp_path: Path, told: list[Attached], restore: bool
) -> None:
    train(tmp_path, quiet(run_dir=False), n_steps=20, **SAVING)
    kept = json.loads((tmp_path / "checkpoint-20" / "trainer_state.json").read_text())
    assert kept["stateful_callbacks"]["LrwatchCallback"]["args"]["run_dir"] is False
    trainer = train(
        tmp_path,
        quiet(run_dir=False),
        resume=str(tmp_path / "checkpoint-20"),
        n_steps=40,
        restore_callback_states_from_checkpoint=restore,
        **SAVING,
    )
    assert trainer.state.global_step == 40
    assert [step.step for step in told[1].steps] == list(range(20, 40))
    kept = json.loads((tmp_path / "checkpoint-40" / "trainer_state.json").read_text())
    (state,) = kept["stateful_callbacks"]["LrwatchCallback"]["attributes"]["exported"]["watches"]
    assert state["n_steps"] == 40
    assert state["watcher"] != {}


def test_a_resumed_training_remembers_what_was_wrong(tmp_path: Path) -> None:
    hot: dict[str, Any] = {**HOT, **SAVING, "save_steps": 50}
    train(tmp_path, quiet(run_dir=False), n_steps=50, **hot)
    callback = quiet(run_dir=False)
    train(tmp_path, callback, resume=str(tmp_path / "checkpoint-50"), n_steps=51, **hot)
    assert callback.verdict == "too_high"


def test_a_checkpoint_of_an_unwatched_training_can_be_resumed_and_saved(
    tmp_path: Path, told: list[Attached]
) -> None:
    train(tmp_path, n_steps=10, **SAVING)
    train(
        tmp_path,
        quiet(run_dir=False),
        resume=str(tmp_path / "checkpoint-10"),
        n_steps=20,
        **SAVING,
    )
    assert [step.step for step in told[0].steps] == list(range(10, 20))
    assert (tmp_path / "checkpoint-20" / "trainer_state.json").exists()


def test_a_second_training_of_one_callback_starts_anew(
    tmp_path: Path, told: list[Attached]
) -> None:
    callback = quiet(run_dir=False)
    for _ in range(2):
        train(tmp_path, callback, n_steps=5)
    assert [[step.step for step in sink.steps] for sink in told] == [[*range(5)], [*range(5)]]


def test_weights_are_bit_identical_with_and_without(tmp_path: Path) -> None:
    states = [
        train(tmp_path, *callbacks, n_steps=10).model.state_dict()
        for callbacks in ([], [quiet(run_dir=False)])
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_it_writes_where_tensorboard_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "board"))
    train(tmp_path / "out", quiet(), n_steps=3)
    assert (tmp_path / "board" / "lrwatch").is_dir()
    assert not (tmp_path / "out" / "lrwatch").exists()


def test_it_knows_a_model_that_was_trained_before(tmp_path: Path, told: list[Attached]) -> None:
    model().save_pretrained(tmp_path / "model")
    train(tmp_path / "out", quiet(run_dir=False), n_steps=2)
    train(tmp_path / "out", quiet(run_dir=False), n_steps=2, start=tmp_path / "model")
    assert [sink.settings["pretrained"] for sink in told] == [False, True]
