"""Workloads of two other sweeps with one, two or four samples in a batch: the batch is most of it.

Made on 2026-11-23, as tiny batches were what the verdict did worst on: the first loss and the first
norm say little there, and progress hides in noise for hundreds of steps. Which size a workload got
was left to chance, once. Nets with batch normalisation are left out.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from torch import nn

from tests.benchmarks.sweep.task import Batches, Supervised, Task
from tests.benchmarks.sweep.third import THIRD
from tests.benchmarks.sweep.workload import Workload
from tests.benchmarks.sweep.workloads import WORKLOADS

SEED = 13
MOST_STEPS = 2000
_USUAL = 32
_NORMALIZED = (nn.BatchNorm1d, nn.BatchNorm2d)


def _build(build: Callable[[int], Task], n_samples: int) -> Callable[[int], Task]:
    def with_small_batches(seed: int) -> Task:
        task = build(seed)
        assert isinstance(task, Supervised)
        task.batches = Batches(len(task.x), n_samples, seed)
        return task

    return with_small_batches


def _can_be_small(workload: Workload) -> bool:
    if workload.surrogate:
        return False
    task = workload.build(SEED)
    return isinstance(task, Supervised) and not any(
        isinstance(part, _NORMALIZED) for part in task.model.modules()
    )


def small_batches() -> Iterator[Workload]:
    """The workloads; takes a second or two, as their data are made to see which can be had."""
    chance = random.Random(5)
    for old in (*WORKLOADS, *THIRD):
        n_samples = chance.choice((1, 2, 4))
        if not _can_be_small(old):
            continue
        centre = old.centre * math.sqrt(n_samples / _USUAL)
        yield replace(
            old,
            build=_build(old.build, n_samples),
            centre=float(f"{centre:.2g}"),
            n_steps=min(2 * old.n_steps, MOST_STEPS),
        )
