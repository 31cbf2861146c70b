"""Makes large event files with a loss, a gradient norm and a rate, one scalar an event."""

import math
import random
from collections.abc import Iterator
from pathlib import Path

from lrwatch.sinks import event
from lrwatch.sinks.framing import frame

TAGS = ("train/loss", "train/grad_norm", "train/learning_rate")
_START_S = 1.7e9


def make(path: Path, n_steps: int, seed: int) -> Path:
    """An event file of ``3 * n_steps`` scalars of a healthy run; made only if it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            file.write(frame(event.file_version(_START_S)))
            file.writelines(frame(data) for data in _events(n_steps, random.Random(seed)))
        unfinished.rename(path)
    return path


def _events(n_steps: int, rng: random.Random) -> Iterator[bytes]:
    time_s = _START_S
    for step in range(n_steps):
        time_s += 0.01 * rng.random()
        decay = (step + 100) ** -0.3
        noise = math.exp(rng.gauss(0, 0.05))
        rate = 1e-3 * (1 + math.cos(math.pi * step / n_steps)) / 2
        values = (1 + 8 * decay * noise, 4 * decay * math.exp(rng.gauss(0, 0.2)), rate)
        for tag, value in zip(TAGS, values, strict=True):
            yield event.scalars(time_s, step, {tag: value})
