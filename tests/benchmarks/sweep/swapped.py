"""The workloads of the other sweeps, each once more under another optimizer and schedule.

Made on 2026-11-23 to see how the verdict does on runs that nothing was fitted to yet; what they
taught was looked at then. Which optimizer a workload got was left to chance, once.
"""

import random
from collections.abc import Iterator
from dataclasses import replace

from tests.benchmarks.sweep.optimizers import Optimizer, Schedule
from tests.benchmarks.sweep.tables import TABLES
from tests.benchmarks.sweep.workload import Workload
from tests.benchmarks.sweep.workloads import WORKLOADS

SEED = 7
# About how the best rates of the optimizers compare.
_SCALE: dict[Optimizer, float] = {
    "sgd": 1.0,
    "momentum": 0.1,
    "adam": 0.01,
    "adamw": 0.01,
    "rmsprop": 0.003,
    "adagrad": 0.05,
}
# Adam and momentum, which most people use, get two chances.
_CHOICES: tuple[Optimizer, ...] = (
    "sgd",
    "momentum",
    "adam",
    "adamw",
    "rmsprop",
    "adam",
    "momentum",
)


def _swapped() -> Iterator[Workload]:
    chance, known = random.Random(4), {w.key for w in WORKLOADS + TABLES}
    names = set[str]()
    for old in WORKLOADS + TABLES:
        if old.surrogate or old.optimizer not in _SCALE:
            continue
        new = [o for o in _CHOICES if o != old.optimizer and f"{old.name}/{o}" not in known]
        optimizer = chance.choice(new)
        if old.name in names:
            continue
        names.add(old.name)
        schedules: tuple[Schedule, ...] = ("constant", "constant", old.schedule, "warmup_cosine")
        centre = old.centre * _SCALE[optimizer] / _SCALE[old.optimizer]
        yield replace(
            old,
            optimizer=optimizer,
            centre=float(f"{centre:.2g}"),
            schedule=chance.choice(schedules),
            n_steps=min(old.n_steps, 800),
        )


SWAPPED = tuple(_swapped())
