"""A training step of known size: a chain of linear layers, plain SGD, one thread."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


@dataclass(frozen=True, slots=True)
class Workload:
    """Sizes of a step."""

    name: str
    layers: tuple[int, ...]
    n_rows: int
    n_steps: int

    def build(self) -> "Training":
        """A training with its model, data and optimizer."""
        torch.manual_seed(0)
        sizes = list(zip(self.layers, self.layers[1:], strict=False))
        parts = [part for a, b in sizes for part in (nn.Linear(a, b), nn.Tanh())]
        model = nn.Sequential(*parts[:-1])
        x, y = torch.randn(self.n_rows, self.layers[0]), torch.randn(self.n_rows, self.layers[-1])
        return Training(model, torch.optim.SGD(model.parameters(), lr=1e-3), x, y)


@dataclass(frozen=True, slots=True)
class Training:
    """One model on one batch."""

    model: nn.Module
    optimizer: Optimizer
    x: Tensor
    y: Tensor

    def step(self) -> Tensor:
        """One step; the loss."""
        self.optimizer.zero_grad()
        loss: Tensor = (self.model(self.x) - self.y).square().mean()
        loss.backward()
        self.optimizer.step()
        return loss
