"""Tiny trainings that the tests of the loop share."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lrwatch.records import Action, Alert, Point, Step

torch.set_num_threads(1)


class Told:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.alerts: list[Alert] = []
        self.actions: list[Action] = []
        self.n_closed = 0

    def write_point(self, point: Point) -> None:
        self.points.append(point)

    def write_alert(self, alert: Alert) -> None:
        self.alerts.append(alert)

    def write_action(self, action: Action) -> None:
        self.actions.append(action)

    def close(self) -> None:
        self.n_closed += 1

    @property
    def steps(self) -> list[Step]:
        return [point.step for point in self.points]

    @property
    def losses(self) -> list[float | None]:
        return [step.loss for step in self.steps]

    @property
    def norms(self) -> list[float | None]:
        return [step.grad_norm for step in self.steps]


def small_model(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))


def batch(i: int) -> tuple[Tensor, Tensor]:
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(i))
    return x, x.sum(dim=1, keepdim=True)


def loss_of(model: Callable[[Tensor], Tensor], i: int) -> Tensor:
    x, y = batch(i)
    return ((model(x) - y) ** 2).mean()


def train(model: nn.Module, optimizer: Optimizer, n_steps: int, first: int = 0) -> list[float]:
    """A plain loop; the losses as it would log them."""
    logged = []
    for i in range(first, first + n_steps):
        optimizer.zero_grad()
        loss = loss_of(model, i)
        loss.backward()
        optimizer.step()
        logged.append(loss.item())
    return logged


def exact_norm(model: nn.Module) -> float:
    """The gradient norm by another route: all gradients as one vector of doubles."""
    flat = [p.grad.double().flatten() for p in model.parameters() if p.grad is not None]
    return float(torch.cat(flat).norm())
