"""The folder of the faults: one npz a run, and ``index.csv`` with the kind and step of each."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.sweep.training import Run
from tests.benchmarks.truth import HEALTHY_REGRET, Rows

UNHARMED = "none"


@dataclass(frozen=True, slots=True)
class Case:
    """One line of ``index.csv``.

    Attributes:
        name: Workload and optimizer.
        seed: Seed of the run and of its twin.
        kind: The fault, ``"none"`` for the twin.
        at: Step from which the fault acts; the length of the run for a twin.
        lr: Peak rate.
        n_steps: Steps that were done.
        initial: Loss over the training set before the first step.
        final: The same after the last step.
        twin_final: The same of the unharmed twin.
    """

    name: str
    seed: int
    kind: str
    at: int
    lr: float
    n_steps: int
    initial: float
    final: float
    twin_final: float

    @property
    def harmed(self) -> bool:
        """Whether the run ended clearly worse than its twin."""
        gain = self.initial - self.twin_final
        return not self.final - self.twin_final <= HEALTHY_REGRET * gain


def rows_path(folder: Path, case: Case) -> Path:
    """Where the rows of a run lie."""
    return folder / case.name.replace("/", "__") / f"{case.seed}_{case.kind}.npz"


def save(folder: Path, case: Case, run: Run) -> None:
    """Write the rows, then the line that makes the run count."""
    path = rows_path(folder, case)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, rows=run.rows)
    c = case
    fields = (c.name, c.seed, c.kind, c.at, c.lr, c.n_steps, c.initial, c.final, c.twin_final)
    with (folder / "index.csv").open("a", newline="") as lines:
        csv.writer(lines).writerow(fields)


def cases(folder: Path) -> Iterator[Case]:
    """All runs of the folder, in the order they were done; none where nothing was done yet."""
    path = folder / "index.csv"
    if not path.exists():
        return
    with path.open(newline="") as lines:
        for name, seed, kind, at, lr, n_steps, *losses in csv.reader(lines):
            initial, final, twin = map(float, losses)
            yield Case(
                name, int(seed), kind, int(at), float(lr), int(n_steps), initial, final, twin
            )


def rows(folder: Path, case: Case) -> Rows:
    """Loss, gradient norm and rate per step of a run."""
    with np.load(rows_path(folder, case)) as kept:
        found: Rows = kept["rows"]
    return found
