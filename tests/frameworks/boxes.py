"""A tiny detector, and pictures with coloured rectangles for it to find; nothing is downloaded."""

import importlib.util
import os
import random
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

OPERATORS = Path(__file__).with_name("torchvision_ops")
ENVIRONMENT = {
    "YOLO_OFFLINE": "True",
    "YOLO_CONFIG_DIR": tempfile.mkdtemp(prefix="lrwatch-yolo-"),
    "PYTHONPATH": str(OPERATORS),
}
"""What a process of its own needs; this one is given the same here, before Ultralytics."""

os.environ.update({k: v for k, v in ENVIRONMENT.items() if k.startswith("YOLO")})
_spec = importlib.util.spec_from_file_location("operators", OPERATORS / "sitecustomize.py")
assert _spec is not None
assert _spec.loader is not None
_spec.loader.exec_module(importlib.util.module_from_spec(_spec))

MODEL = """
nc: 2
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [16, 3, 1]]
head:
  - [[2], 1, Detect, [nc]]
"""
SIZE = 64
QUIET: dict[str, Any] = {
    "imgsz": SIZE,
    "batch": 8,
    "nbs": 8,
    "device": "cpu",
    "plots": False,
    "val": False,
    "verbose": False,
    "mosaic": 0.0,
    "amp": False,
}


def pictures(folder: Path, n: int = 32) -> Path:
    """Write ``n`` pictures and their labels; return the file that describes them."""
    rng = random.Random(0)
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for number in range(n):
        picture = Image.new("RGB", (SIZE, SIZE), (40, 40, 40))
        labels = []
        for kind, colour in enumerate([(250, 60, 60), (60, 60, 250)]):
            w, h = rng.randint(26, 44), rng.randint(26, 44)
            x, y = rng.randint(0, SIZE - w - 1), rng.randint(0, SIZE - h - 1)
            ImageDraw.Draw(picture).rectangle((x, y, x + w, y + h), fill=colour)
            box = ((x + w / 2) / SIZE, (y + h / 2) / SIZE, w / SIZE, h / SIZE)
            labels.append(f"{kind} " + " ".join(f"{value:.6f}" for value in box))
        picture.save(folder / "images" / f"{number}.png")
        (folder / "labels" / f"{number}.txt").write_text("\n".join(labels))
    described = folder / "boxes.yaml"
    described.write_text(f"path: {folder}\ntrain: images\nval: images\nnames: [red, blue]\n")
    return described


def model(folder: Path) -> Path:
    """Write the description of the detector, and return it."""
    described = folder / "tiny.yaml"
    described.write_text(MODEL)
    return described
