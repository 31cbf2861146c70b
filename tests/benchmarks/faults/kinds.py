"""The faults: each changes a training from a known step on, and nothing before it."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn

from tests.benchmarks.sweep.task import Supervised, Task
from tests.benchmarks.sweep.training import Disturb

CORRUPTION = 30.0


def rate_times(factor: float) -> Callable[[int, int], Disturb]:
    """The rate is multiplied from the step on, as by a wrong schedule."""

    def fault(at: int, seed: int) -> Disturb:
        def disturb(step: int, task: Task, optimizer: torch.optim.Optimizer) -> None:
            if step >= at:
                optimizer.param_groups[0]["lr"] *= factor

        return disturb

    return fault


def bad_batch(factor: float) -> Callable[[int, int], Disturb]:
    """One batch is multiplied by this, NaN included; the next one is right again."""

    def fault(at: int, seed: int) -> Disturb:
        clean: list[torch.Tensor] = []

        def disturb(step: int, task: Task, optimizer: torch.optim.Optimizer) -> None:
            assert isinstance(task, Supervised)
            if step == at:
                clean.append(task.x)
                task.x = task.x * factor
            elif step == at + 1:
                task.x = clean.pop()

        return disturb

    return fault


def shuffled_labels(at: int, seed: int) -> Disturb:
    """Targets no longer belong to their inputs."""

    def disturb(step: int, task: Task, optimizer: torch.optim.Optimizer) -> None:
        assert isinstance(task, Supervised)
        if step == at:
            order = torch.randperm(len(task.y), generator=torch.Generator().manual_seed(seed))
            task.y = task.y[order]

    return disturb


def dead_units(at: int, seed: int) -> Disturb:
    """All units of the first layer with rectifiers are silent, and no gradient wakes them."""

    def disturb(step: int, task: Task, optimizer: torch.optim.Optimizer) -> None:
        if step == at:
            layer = rectified(task.model)
            assert layer is not None
            with torch.no_grad():
                layer.get_parameter("weight").zero_()
                layer.get_parameter("bias").fill_(-10.0)

    return disturb


def frozen_weights(at: int, seed: int) -> Disturb:
    """Updates no longer reach the weights; loss, gradient and rate are reported as before."""
    kept: list[torch.Tensor] = []

    def disturb(step: int, task: Task, optimizer: torch.optim.Optimizer) -> None:
        if step == at:
            kept.extend(p.detach().clone() for p in task.model.parameters())
        elif step > at:
            with torch.no_grad():
                for parameter, value in zip(task.model.parameters(), kept, strict=True):
                    parameter.copy_(value)

    return disturb


def rectified(model: nn.Module) -> nn.Module | None:
    """The first layer with a bias that is followed by a ReLU."""
    layers = [m for m in model.modules() if not list(m.children())]
    for layer, after in pairwise(layers):
        if isinstance(layer, (nn.Linear, nn.Conv2d)) and isinstance(after, nn.ReLU):
            return layer
    return None


KINDS: dict[str, Callable[[int, int], Disturb]] = {
    "rate_x10": rate_times(10.0),
    "rate_x100": rate_times(100.0),
    "corrupted_batch": bad_batch(CORRUPTION),
    "nan_batch": bad_batch(float("nan")),
    "shuffled_labels": shuffled_labels,
    "dead_units": dead_units,
    "frozen_weights": frozen_weights,
}
