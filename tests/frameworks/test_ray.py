"""Ray: a sweep that ends its lost trials, and a run of Train on two workers."""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
import torch
from ray import train, tune
from ray.train.torch import TorchTrainer

from lrwatch.hooks.ray import LrwatchCallback, LrwatchStopper, attach

N_STEPS = 60


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two processors of this machine, no dashboard, nothing sent anywhere."""
    os.environ.update(
        RAY_USAGE_STATS_ENABLED="0",
        RAY_AUTH_MODE="disabled",
        RAY_AIR_NEW_OUTPUT="0",
        RAY_raylet_start_wait_time_s="300",
        PYTHONPATH=str(Path(__file__).parents[2]),
    )
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=80_000_000,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()
    del os.environ["PYTHONPATH"]


def training(config: dict[str, Any], report: Any, wrap: Any = None) -> None:
    """A loop as the documentation of Ray writes it, with one line more."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = torch.nn.Linear(8, 1)
    model = wrap(model) if wrap else model
    optimizer = torch.optim.SGD(model.parameters(), lr=config["lr"])
    losses = []
    with attach(optimizer, model, stderr=False, **config.get("watching", {})) as watch:
        for i in range(N_STEPS):
            x = torch.randn(16, 8)
            loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if i % 3 == 2:
                report({"loss": loss.item(), "lr": config["lr"], "lrwatch": watch.verdict})
    if "losses" in config:
        rank = os.environ.get("RANK", "0")
        Path(config["losses"], f"{rank}.json").write_text(json.dumps(losses))


def trial(config: dict[str, Any]) -> None:
    training(config, tune.report)


def worker(config: dict[str, Any]) -> None:
    training(config, train.report, train.torch.prepare_model)


def test_a_sweep_ends_its_lost_trials_and_no_others(tmp_path: Path) -> None:
    stopper = LrwatchStopper()
    results = tune.Tuner(
        trial,
        param_space={"lr": tune.grid_search([0.02, 3.0])},
        run_config=tune.RunConfig(stop=stopper, storage_path=str(tmp_path), verbose=0),
    ).fit()
    lengths = {r.config["lr"]: r.metrics["training_iteration"] for r in results}
    assert lengths[0.02] == N_STEPS // 3
    assert lengths[3.0] < N_STEPS // 6
    assert len(stopper.stopped) == 1
    assert all((Path(r.path) / "lrwatch" / "alerts.jsonl").exists() for r in results)


def test_two_workers_are_watched_as_one_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = TorchTrainer(
        worker,
        train_loop_config={"lr": 3.0, "watching": {"backoff": True}, "losses": str(tmp_path)},
        scaling_config=train.ScalingConfig(num_workers=2),
        run_config=train.RunConfig(
            storage_path=str(tmp_path), name="run", callbacks=[LrwatchCallback()]
        ),
    )
    trainer.fit()
    losses = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    assert all(own[-1] < own[0] for own in losses)
    lines = (tmp_path / "run" / "lrwatch" / "alerts.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["type"] for record in records].count("run") == 1
    assert "action" in {record["type"] for record in records}
    assert len(list((tmp_path / "run").rglob("events.*"))) == 1


def test_the_callback_tells_once_of_a_run_that_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    callback = LrwatchCallback()
    reports = [[{"loss": 1.0}, {"loss": 2.0}], [{"loss": 1.0}, {"loss": float("nan")}]]
    for metrics in [*reports, *reports]:
        callback.after_report(None, metrics, None)
    assert [record.message for record in caplog.records] == ["this run is lost: loss is nan"]


def test_a_stopper_says_what_it_misses() -> None:
    with pytest.raises(ValueError, match="LrwatchStopper: metric 'loss' is not among the results"):
        LrwatchStopper()("trial", {"accuracy": 0.5})


def test_of_a_trial_that_has_ended_only_the_reason_is_kept() -> None:
    stopper = LrwatchStopper()
    assert not any(stopper(name, {"loss": 1.0}) for name in ("lost", "done", "goes on"))
    assert stopper("lost", {"loss": float("nan")})
    assert not stopper("done", {"loss": 0.9, "done": True})
    assert stopper("lost", {"loss": 0.9})
    assert stopper.stopped == {"lost": "loss is nan"}
    assert list(stopper._trials) == ["goes on"]


def test_trials_that_a_scheduler_ended_unsaid_are_forgotten_and_those_that_go_on_are_not() -> None:
    alone, crowded = LrwatchStopper(), LrwatchStopper()
    rising = [1.0] * 20 + [1.2 * 1.5**i for i in range(40)]
    for i, loss in enumerate(rising):
        for k in range(60):
            crowded(f"{i}-{k}", {"loss": 1.0})
        assert crowded("goes on", {"loss": loss}) == alone("goes on", {"loss": loss})
    assert list(crowded.stopped) == ["goes on"]
    assert len(crowded._trials) == 1000
