"""One run with a remedy, and what the best rate alone would have reached."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from tests.benchmarks.rescue.mishaps import Mishap
from tests.benchmarks.rescue.peers import Nothing
from tests.benchmarks.sweep.optimizers import factor, make_optimizer
from tests.benchmarks.sweep.task import Supervised, Task
from tests.benchmarks.sweep.workload import Workload


@dataclass(frozen=True, slots=True)
class Ended:
    """A run at its end.

    Attributes:
        initial: Loss over the training set before the first step.
        final: The same after the last; infinite where it is not finite or the run was stopped.
        lost: Share of the steps whose work was given up.
        story: What was done, a line an action.
    """

    initial: float
    final: float
    lost: float
    story: tuple[str, ...]

    def regret(self, best: float) -> float:
        """Share of the best rate's gain that was missed."""
        return (self.final - best) / (self.initial - best)

    @property
    def stopped(self) -> bool:
        """Whether the run was given up with a reason."""
        return bool(self.story) and " stop " in self.story[-1]


def train(
    workload: Workload,
    seed: int,
    lr: float,
    make: Callable[[Optimizer, nn.Module], Nothing] = Nothing,
    mishap: Mishap | None = None,
) -> Ended:
    """Train from scratch with this peak rate."""
    torch.manual_seed(1000 + seed)
    task = workload.build(seed)
    optimizer = make_optimizer(workload.optimizer, task.model.parameters(), lr)
    remedy = make(optimizer, task.model)
    initial, n = task.evaluate(), workload.n_steps
    goes_on = True
    for step in range(n):
        rate = lr * factor(workload.schedule, step, n)
        optimizer.param_groups[0]["lr"] = rate * (mishap.rate(step) if mishap else 1.0)
        loss = _loss(task, step, mishap)
        optimizer.zero_grad()
        loss.backward()
        goes_on = remedy.step(step, loss.item())
        if not goes_on:
            break
    remedy.close()
    story = tuple(f"{a.step} {a.kind} x{a.scale} {a.reason}" for a in remedy.actions)
    if not goes_on:
        return Ended(initial, math.inf, (step + 1) / n, story)
    return Ended(initial, task.evaluate(), remedy.n_lost / n, story)


def _loss(task: Task, step: int, mishap: Mishap | None) -> torch.Tensor:
    if mishap is not None and isinstance(task, Supervised):
        return mishap.loss(step, task)
    return task.loss()
