"""Where Ultralytics trains on several devices, the hook goes along to its workers."""

import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from ultralytics.utils import dist

from lrwatch.hooks.ultralytics import attach
from tests.frameworks import boxes
from tests.frameworks.two_ranks import OnCpu
from tests.launch.started import run

HOT: dict[str, Any] = {"optimizer": "AdamW", "lr0": 1.0, "lrf": 1.0, "warmup_epochs": 1.0}


def trained_by_workers(folder: Path, **watching: Any) -> Path:
    """Train as Ultralytics does with two devices: in processes that a file of its describes."""
    own = {"model": str(boxes.model(folder)), "data": str(boxes.pictures(folder / "data"))}
    place = {"project": str(folder), "name": "run", "exist_ok": True}
    trainer = OnCpu(overrides={**boxes.QUIET, **HOT, **own, **place, "epochs": 5})
    attach(trainer, **watching)
    script = dist.generate_ddp_file(trainer)
    try:
        launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
        done = run(*launcher, script, cwd=folder, **boxes.ENVIRONMENT)
    finally:
        dist.ddp_cleanup(trainer, script)
    assert done.code == 0, done.stderr
    return folder


def without_callbacks(trainer: Any, trains: str = "results = trainer.train()") -> str:
    """The file of versions to 8.4.120, whose workers make a trainer of their own."""
    lines = [
        'if __name__ == "__main__":',
        f"    from {OnCpu.__module__} import {OnCpu.__name__}",
        f"    trainer = {OnCpu.__name__}(overrides={vars(trainer.args)!r})",
        f"    {trains}",
    ]
    suffix = f"{id(trainer)}.py"
    with tempfile.NamedTemporaryFile("w", suffix=suffix, delete=False) as file:
        file.write("\n".join([f"import sys; sys.path = {sys.path!r}", *lines, ""]))
    return file.name


@pytest.fixture(params=["handed on", "dropped"])
def callbacks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    original = getattr(dist.generate_ddp_file, "__wrapped__", dist.generate_ddp_file)
    own = original if request.param == "handed on" else without_callbacks
    monkeypatch.setattr(dist, "generate_ddp_file", own)


@pytest.mark.usefixtures("callbacks")
def test_both_ranks_do_the_same_and_one_writes(tmp_path: Path) -> None:
    folder = trained_by_workers(tmp_path, backoff={"cooldown": 8}, stderr=False)
    weights = [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in (0, 1)]
    assert weights[0] == weights[1]
    lines = (folder / "run" / "lrwatch" / "alerts.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["type"] for record in records].count("run") == 1
    assert "rewind" in {record.get("kind") for record in records}
    assert not (folder / "lrwatch").exists()


def test_workers_of_an_unknown_kind_are_said_not_to_be_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(
        dist, "generate_ddp_file", lambda trainer: without_callbacks(trainer, "go(trainer)")
    )
    own = {"model": str(boxes.model(tmp_path)), "data": str(boxes.pictures(tmp_path / "data"))}
    trainer = OnCpu(overrides={**boxes.QUIET, **own, "project": str(tmp_path)})
    attach(trainer)
    with caplog.at_level(logging.WARNING, "lrwatch"):
        dist.ddp_cleanup(trainer, dist.generate_ddp_file(trainer))
    assert "not watched; start it with `lrwatch run`" in caplog.text
