"""Where Ultralytics trains on several devices, the hook goes along to its workers."""

import json
from pathlib import Path
from typing import Any

from ultralytics.utils.dist import ddp_cleanup, generate_ddp_file

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
    script = generate_ddp_file(trainer)
    try:
        launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
        done = run(*launcher, script, cwd=folder, **boxes.ENVIRONMENT)
    finally:
        ddp_cleanup(trainer, script)
    assert done.code == 0, done.stderr
    return folder


def test_both_ranks_do_the_same_and_one_writes(tmp_path: Path) -> None:
    folder = trained_by_workers(tmp_path, backoff={"cooldown": 8}, stderr=False)
    weights = [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in (0, 1)]
    assert weights[0] == weights[1]
    lines = (folder / "run" / "lrwatch" / "alerts.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["type"] for record in records].count("run") == 1
    assert "rewind" in {record.get("kind") for record in records}
    assert not (folder / "lrwatch").exists()
