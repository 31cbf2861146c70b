"""One run with a remedy, and what the best rate alone would have reached."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from tests.benchmarks.rescue.mishaps import Mishap
from tests.benchmarks.rescue.remedies import Nothing
from tests.benchmarks.sweep.optimizers import factor, make_optimizer
from tests.benchmarks.sweep.task import Supervised
from tests.benchmarks.sweep.workload import Workload

MakeRemedy = Callable[[Optimizer, nn.Module], Nothing]
BARE_RATES = tuple(10 ** (k / 2) for k in range(-2, 3))


@dataclass(frozen=True, slots=True)
class Ended:
    """A run at its end.

    Attributes:
        initial: Loss over the training set before the first step.
        final: The same after the last; infinite where it is not finite or the run was stopped.
        lost: Share of the steps whose work was given up.
        n_actions: What was done.
    """

    initial: float
    final: float
    lost: float
    n_actions: int

    def regret(self, best: float) -> float:
        """Share of the best rate's gain that was missed."""
        return (self.final - best) / (self.initial - best)


def train(
    workload: Workload,
    seed: int,
    lr: float,
    make: MakeRemedy = Nothing,
    mishap: Mishap | None = None,
) -> Ended:
    """Train from scratch with this peak rate."""
    torch.manual_seed(1000 + seed)
    task = workload.build(seed)
    weights = list(task.model.parameters())
    optimizer = make_optimizer(workload.optimizer, weights, lr)
    remedy = make(optimizer, task.model)
    initial = task.evaluate()
    for step in range(workload.n_steps):
        rate = lr * factor(workload.schedule, step, workload.n_steps)
        optimizer.param_groups[0]["lr"] = rate * (mishap.rate(step) if mishap else 1.0)
        harmed = mishap is not None and isinstance(task, Supervised)
        loss = mishap.loss(step, task) if harmed else task.loss()  # type: ignore[union-attr, arg-type]  # both follow from ``harmed``
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.get_total_norm([p.grad for p in weights if p.grad is not None])
        if not remedy.step(step, loss.item(), norm.item()):
            return Ended(initial, math.inf, step / workload.n_steps, remedy.n_actions)
    n = workload.n_steps
    return Ended(initial, task.evaluate(), remedy.n_lost / n, remedy.n_actions)


def best_rate(workload: Workload, seed: int) -> tuple[float, dict[float, Ended]]:
    """The best of five rates around the centre, and how all of them ended."""
    ended = {
        rate: train(workload, seed, rate) for rate in (workload.centre * f for f in BARE_RATES)
    }
    return min(ended, key=lambda rate: (ended[rate].final, rate)), ended
