"""``lrwatch run yolo ...`` watches a training by Ultralytics; the loss is that of an image."""

import csv
import json
from pathlib import Path

import pytest

import lrwatch
from tests.frameworks import boxes
from tests.launch.started import Ended, watched

SCRIPT = """
import json, sys, torch
torch.set_num_threads(1)
from ultralytics import YOLO
losses = []
model = YOLO("tiny.yaml")
model.add_callback("on_train_batch_end", lambda t: losses.append(float(t.loss.detach()) / 8))
model.train(data="data/boxes.yaml", epochs=3, **json.loads(sys.argv[1]))
print(json.dumps(losses))
"""
SETTINGS = {**boxes.QUIET, "optimizer": "SGD", "lr0": 0.01, "name": "out"}


def launched(folder: Path, *command: str) -> Ended:
    boxes.model(folder)
    boxes.pictures(folder / "data")
    ended = watched("--run-dir", "run", *command, cwd=folder, **boxes.ENVIRONMENT)
    assert ended.code == 0, ended.stderr
    return ended


def test_a_script_is_watched_without_an_edit(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    settings = json.dumps({**SETTINGS, "project": str(tmp_path)})
    ended = launched(tmp_path, "script.py", settings)
    losses = json.loads(ended.stdout.splitlines()[-1])
    steps = list(lrwatch.read(tmp_path / "run" / "lrwatch"))
    assert [steps[0].step, steps[-1].step] == [0, len(losses) - 1]
    seen = [step.loss for step in steps]
    assert seen == pytest.approx([losses[step.step] for step in steps], rel=1e-6)


def test_the_command_yolo_is_watched_too(tmp_path: Path) -> None:
    settings = {**SETTINGS, "project": tmp_path, "batch": 32, "nbs": 32, "epochs": 4}
    words = [f"{name}={value}" for name, value in settings.items()]
    command = ("yolo", "detect", "train", "model=tiny.yaml", "data=data/boxes.yaml")
    ended = launched(tmp_path, *command, *words)
    rows = list(csv.DictReader((tmp_path / "out" / "results.csv").open()))
    parts = ("box", "cls", "dfl")
    logged = [sum(float(row[f"train/{part}_loss"]) for part in parts) for row in rows]
    steps = list(lrwatch.read(tmp_path / "run" / "lrwatch"))
    assert [steps[0].step, steps[-1].step] == [0, 3]
    seen = [step.loss for step in steps]
    assert seen == pytest.approx([logged[step.step] for step in steps], rel=1e-5)
    assert "(4 steps); the run is in run" in ended.stderr
