"""Ultralytics: one line more watches a training; the pictures are drawn here."""

import random
from pathlib import Path

from PIL import Image, ImageDraw
from ultralytics import YOLO

from lrwatch.hooks.ultralytics import attach

MODEL = """
nc: 2
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [16, 3, 1]]
head:
  - [[2], 1, Detect, [nc]]
"""
folder = Path("boxes").absolute()
for name in ("images", "labels"):
    (folder / name).mkdir(parents=True, exist_ok=True)
rng = random.Random(0)
for number in range(32):
    picture = Image.new("RGB", (64, 64), (40, 40, 40))
    boxes = []
    for kind, colour in enumerate([(250, 60, 60), (60, 60, 250)]):
        w, h = rng.randint(26, 44), rng.randint(26, 44)
        x, y = rng.randint(0, 63 - w), rng.randint(0, 63 - h)
        ImageDraw.Draw(picture).rectangle((x, y, x + w, y + h), fill=colour)
        boxes.append(f"{kind} {(x + w / 2) / 64} {(y + h / 2) / 64} {w / 64} {h / 64}")
    picture.save(folder / "images" / f"{number}.png")
    (folder / "labels" / f"{number}.txt").write_text("\n".join(boxes))
(folder / "tiny.yaml").write_text(MODEL)
(folder / "boxes.yaml").write_text(
    f"path: {folder}\ntrain: images\nval: images\nnames: [red, blue]\n"
)

model = YOLO(folder / "tiny.yaml")  # or a pretrained one, such as YOLO("yolo26n.pt")
watch = attach(model)
model.train(
    data=folder / "boxes.yaml",
    project=folder,
    epochs=8,
    imgsz=64,
    batch=8,
    nbs=8,
    mosaic=0.0,
    amp=False,
    device="cpu",
    plots=False,
    val=False,
    optimizer="AdamW",  # with "auto" the rate below would have no effect
    lr0=1.0,
    lrf=1.0,
    warmup_epochs=1,
)

print("verdict:", watch.verdict)
