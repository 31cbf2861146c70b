"""One training run: the rows that a watcher would see, and what the run was worth."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lrwatch.loop.device.readback import Readback
from lrwatch.loop.gradient.drift import Drift
from tests.benchmarks.sweep.optimizers import factor, make_optimizer
from tests.benchmarks.sweep.task import Task
from tests.benchmarks.sweep.workload import Workload

STEPS_AFTER_NON_FINITE = 25
Disturb = Callable[[int, Task, torch.optim.Optimizer], None]


@dataclass(frozen=True, slots=True)
class Run:
    """What is kept of a training.

    Attributes:
        rows: Loss, gradient norm before clipping and rate of every step, float64 [steps, 3].
        n_steps: Steps that were planned; fewer were done where the run became non-finite.
        initial: Loss over the training set before the first step.
        final: The same after the last step, infinite where it is not finite.
        drift: How far the weights still went one way at every step, float64 [steps]; NaN where that
            was not looked at.
    """

    rows: NDArray[np.float64]
    n_steps: int
    initial: float
    final: float
    drift: NDArray[np.float64]


def train(
    workload: Workload,
    *,
    seed: int,
    lr: float,
    before_step: Disturb | None = None,
) -> Run:
    """Train from scratch with this peak rate; ``before_step`` lets a fault be put in."""
    torch.manual_seed(1000 + seed)
    task = workload.build(seed)
    parameters = list(task.model.parameters())
    optimizer = make_optimizer(workload.optimizer, parameters, lr)
    initial, rows, stop = task.evaluate(), [], workload.n_steps
    drift, drifts = Drift(Readback()), list[float]()
    step = 0
    while step < stop:
        rate = lr * factor(workload.schedule, step, workload.n_steps)
        optimizer.param_groups[0]["lr"] = rate
        if before_step:
            before_step(step, task, optimizer)
        loss = task.loss()
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        row = (loss.item(), norm.item(), float(optimizer.param_groups[0]["lr"]))
        drift.look(step, parameters)
        found = drift.take(step)
        drifts.append(math.nan if found is None else found)
        rows.append(row)
        if stop == workload.n_steps and not all(map(math.isfinite, row)):
            stop = min(stop, step + STEPS_AFTER_NON_FINITE)
        optimizer.step()
        step += 1
    return Run(np.array(rows), workload.n_steps, initial, task.evaluate(), np.array(drifts))
