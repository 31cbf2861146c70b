"""The folder of a sweep: one npz a run, and ``outcomes.csv`` with what each run was worth."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.sweep.training import Run


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of ``outcomes.csv``: which run it is, and its loss before and after."""

    name: str
    seed: int
    mult: str
    lr: float
    n_steps: int
    initial: float
    final: float


def rows_path(folder: Path, name: str, seed: int, mult: str) -> Path:
    """Where the rows of a run lie."""
    return folder / name.replace("/", "__") / f"{seed}_{mult}.npz"


def save(folder: Path, outcome: Outcome, run: Run) -> None:
    """Write the rows, then the line that makes the run count."""
    path = rows_path(folder, outcome.name, outcome.seed, outcome.mult)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, rows=run.rows, drift=run.drift)
    o = outcome
    with (folder / "outcomes.csv").open("a", newline="") as lines:
        csv.writer(lines).writerow([o.name, o.seed, o.mult, o.lr, o.n_steps, o.initial, o.final])


def outcomes(folder: Path) -> Iterator[Outcome]:
    """All runs of a sweep, in the order they were done; none where nothing was done yet."""
    path = folder / "outcomes.csv"
    if not path.exists():
        return
    with path.open(newline="") as lines:
        for name, seed, mult, lr, n_steps, initial, final in csv.reader(lines):
            yield Outcome(
                name, int(seed), mult, float(lr), int(n_steps), float(initial), float(final)
            )
