"""Regret of training at a suggested rate, each training done once and kept."""

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.sweep.store import outcomes
from tests.benchmarks.sweep.training import train
from tests.benchmarks.sweep.workload import Workload


@dataclass(frozen=True, slots=True)
class Best:
    """The best of the sweep's thirteen rates.

    Attributes:
        lr: That rate.
        final: What it ended at.
        initial: Loss before the first step.
    """

    lr: float
    final: float
    initial: float


def bests(folder: Path) -> dict[tuple[str, int], Best]:
    """The best rate of every workload and seed of a sweep."""
    groups = defaultdict(list)
    for outcome in outcomes(folder):
        if math.isfinite(outcome.final):
            groups[outcome.name, outcome.seed].append(outcome)
    found = {}
    for key, group in groups.items():
        best = min(group, key=lambda o: o.final)
        found[key] = Best(best.lr, best.final, best.initial)
    return found


class Trained:
    """Real trainings at any rate, remembered in a file.

    Args:
        path: A csv of workload, seed, rate and final loss.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._finals: dict[tuple[str, int, str], float] = {}
        if path.exists():
            with path.open(newline="") as lines:
                for key, seed, lr, final in csv.reader(lines):
                    self._finals[key, int(seed), lr] = float(final)

    def regret(self, workload: Workload, seed: int, lr: float | None, best: Best) -> float:
        """Share of the best gain that a training at this rate misses; 1 where there is none.

        Infinite for one that was ever non-finite; below 0 where it ends lower than every rate of
        the sweep.
        """
        if lr is None:
            return 1.0
        final = self._final(workload, seed, lr)
        return (final - best.final) / (best.initial - best.final)

    def _final(self, workload: Workload, seed: int, lr: float) -> float:
        key = workload.key, seed, f"{lr:.4g}"
        if key not in self._finals:
            run = train(workload, seed=seed, lr=lr)
            final = run.final if np.isfinite(run.rows).all() else math.inf
            self._finals[key] = final
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", newline="") as lines:
                csv.writer(lines).writerow([*key, final])
        return self._finals[key]
