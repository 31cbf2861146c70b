"""What all adapters share: the watches of one trainer, opened and closed by its callbacks."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD

from lrwatch import LrwatchError
from lrwatch.loop.frameworks.settings import Settings, as_backoff, or_default
from lrwatch.loop.frameworks.watches import Watches
from lrwatch.policy.settings import Backoff
from tests.loop.training import small_model, train


def never(error: LrwatchError) -> None:
    raise AssertionError(f"nothing was to stop: {error}")


def opened(*models: nn.Module, lr: float = 0.05, **settings: Any) -> tuple[Watches, list[SGD]]:
    watches = Watches(Settings(**{"run_dir": False, "stderr": False, **settings}))
    optimizers = [SGD(model.parameters(), lr=lr) for model in models]
    watches.open(optimizers, None, log_dir=None, writes=True, stop=never)
    return watches, optimizers


def test_settings_are_plain_values() -> None:
    given = {"run_dir": "runs/a", "backoff": {"rungs": ["skip", "stop"]}, "total_steps": 100}
    settings = Settings(**json.loads(json.dumps(given)))
    assert json.loads(json.dumps(settings.as_dict())).items() >= given.items()


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (True, True),
        (False, False),
        ({}, Backoff()),
        ({"floor": 0.1, "rungs": ["skip"]}, Backoff(floor=0.1, rungs=("skip",))),
        (Backoff(floor=0.1), Backoff(floor=0.1)),
    ],
)
def test_plain_values_describe_a_back_off(given: Any, made: Any) -> None:
    assert as_backoff(given) == made


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("yes", "backoff must be true, false or a mapping, got 'yes'"),
        ({"flor": 1}, "backoff has no field 'flor'; it has factor, floor, "),
        ({"floor": 2}, "floor must be > 0 and < 1, got 2"),
    ],
)
def test_what_describes_no_back_off_is_refused(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings(backoff=given)


def test_a_backoff_among_the_settings_is_as_its_fields() -> None:
    kept = Settings(backoff=Backoff(floor=0.1)).as_dict()
    assert as_backoff(json.loads(json.dumps(kept))["backoff"]) == Backoff(floor=0.1)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("run_dir", 3, "run_dir must be a path, True, False or None, got 3"),
        ("total_steps", "all", "total_steps must be a number >= 1 or None, got 'all'"),
        ("surrogate", "false", "surrogate must be True or False, got 'false'"),
    ],
)
def test_a_setting_of_another_kind_is_named_at_once(name: str, value: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        Settings(**{name: value})


def test_the_run_directory_is_the_users_before_the_frameworks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert or_default("mine", "logs") == "mine"
    assert or_default(None, "logs") == "logs"
    assert or_default(False, "logs") is False
    assert or_default(None, "s3://bucket/logs") is None
    monkeypatch.setenv("LRWATCH_RUN_DIR", "environment")
    assert or_default(None, "logs") is None


def test_every_optimizer_is_watched_by_itself() -> None:
    models = [small_model(0), small_model(1)]
    watches, optimizers = opened(*models)
    for model, optimizer, n in zip(models, optimizers, (5, 7), strict=True):
        train(model, optimizer, n)
    assert watches.n_steps == [5, 7]
    watches.close()
    assert watches.n_steps == [5, 7]


def test_opening_again_ends_what_was_watched() -> None:
    model = small_model()
    watches, (optimizer,) = opened(model)
    train(model, optimizer, 5)
    watches.open([optimizer], None, log_dir=None, writes=True, stop=never)
    train(model, optimizer, 3)
    assert watches.n_steps == [3]
    watches.close()


def test_a_process_that_does_not_write_leaves_no_file(tmp_path: Path) -> None:
    model = small_model()
    watches = Watches(Settings(run_dir=str(tmp_path / "run")))
    optimizer = SGD(model.parameters(), lr=0.05)
    watches.open([optimizer], None, log_dir=None, writes=False, stop=never)
    train(model, optimizer, 5)
    watches.close()
    assert watches.n_steps == [5]
    assert list(tmp_path.iterdir()) == []


def test_an_optimizer_that_never_steps_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    watches, _ = opened(small_model(), stderr=True)
    watches.close()
    watches.close()
    assert capsys.readouterr().err.count("optimizer 1 never stepped") == 1


def test_a_trainer_without_an_optimizer_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    opened(stderr=True)
    line = "lrwatch: nothing to watch: the trainer has no optimizer\n"
    assert capsys.readouterr().err == line


def test_what_is_no_optimizer_of_torch_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    watches = Watches(Settings(run_dir=False))
    watches.open([object()], None, log_dir=None, writes=True, stop=never)
    assert "optimizer 1 is not watched: optimizer must be" in capsys.readouterr().err
    assert watches.verdict == "undecided"


def test_a_resumed_training_goes_on_where_it_was() -> None:
    model = small_model()
    first, (optimizer,) = opened(model)
    train(model, optimizer, 20)
    state = json.loads(json.dumps(first.state_dict(), allow_nan=False))
    second, (optimizer,) = opened(model)
    second.load_state_dict(state)
    train(model, optimizer, 5)
    assert second.n_steps == [25]
    second.close()
    first.close()


@pytest.mark.parametrize("state", [None, {}, {"v": 1, "watches": []}])
def test_a_checkpoint_without_a_state_gives_the_number_of_steps(state: Any) -> None:
    model = small_model()
    watches, (optimizer,) = opened(model)
    watches.load_state_dict(state, 100)
    train(model, optimizer, 5)
    assert watches.n_steps == [105]
    watches.close()


def test_a_state_from_the_future_does_not_end_the_training(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("LRWATCH_STRICT", raising=False)
    model = small_model()
    watches, (optimizer,) = opened(model)
    watches.load_state_dict({"v": 9, "watches": [{"v": 9}]})
    train(model, optimizer, 5)
    assert watches.n_steps == [5]
    assert "resuming the watch failed, training goes on" in caplog.text
    watches.close()


def test_the_verdict_is_that_of_the_optimizer_that_is_worst_off() -> None:
    models = [nn.Linear(4, 1), nn.Linear(4, 1)]
    watches, optimizers = opened(*models)
    optimizers[1].param_groups[0]["lr"] = 3.0
    for model, optimizer in zip(models, optimizers, strict=True):
        train(model, optimizer, 150)
    assert watches.verdict == "too_high"
    assert any(alert.verdict == "too_high" for alert in watches.alerts)
    watches.close()


def test_a_back_off_that_gives_up_calls_the_trainers_stop_and_leaves_the_weights() -> None:
    model = nn.Linear(4, 1)
    optimizer = SGD(model.parameters(), lr=3.0)
    watches = Watches(Settings(run_dir=False, stderr=False, backoff={"floor": 0.9}))
    stops: list[LrwatchError] = []
    watches.open([optimizer], model, log_dir=None, writes=True, stop=stops.append)
    i = 0
    while not stops and i < 300:
        train(model, optimizer, 1, first=i)
        i += 1
    left = model.weight.detach().clone()
    train(model, optimizer, 10, first=i)
    assert len(stops) == 1
    assert "training stopped at step" in str(stops[0])
    assert torch.equal(model.weight, left)
    watches.close()


@pytest.mark.parametrize("name", ["total_steps", "norm_every"])
def test_a_count_below_one_is_refused_at_construction(name: str) -> None:
    given: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=f"{name} must be >= 1, got 0"):
        Settings(**given)


def test_what_a_framework_took_back_is_noted(tmp_path: Path) -> None:
    model = small_model()
    watches, (optimizer,) = opened(model, run_dir=str(tmp_path))
    train(model, optimizer, 5)
    watches.went_back(3, "the framework reloaded its checkpoint")
    train(model, optimizer, 2)
    watches.close()
    lines = (tmp_path / "lrwatch" / "alerts.jsonl").read_text().splitlines()
    (action,) = [record for record in map(json.loads, lines) if record["type"] == "action"]
    assert (action["kind"], action["step"], action["to_step"]) == ("rewind", 5, 3)


def test_a_line_for_the_user_survives_a_log_handler_that_raises(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Raising(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("full")

    handler, logger = Raising(), logging.getLogger("lrwatch")
    logger.addHandler(handler)
    try:
        Watches(Settings()).say("no optimizer steps")
    finally:
        logger.removeHandler(handler)
    assert capsys.readouterr().err == "lrwatch: no optimizer steps\n"
