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

    @property
    def gradient_bytes(self) -> int:
        """What reading all gradients once has to read."""
        return sum(p.numel() * p.element_size() for p in self.model.parameters())

    def step(self, n_rows: int | None = None) -> Tensor:
        """One step; the loss. On the first ``n_rows`` only, where time is not to be measured."""
        self.optimizer.zero_grad()
        x, y = self.x[:n_rows], self.y[:n_rows]
        loss: Tensor = (self.model(x) - y).square().mean()
        loss.backward()
        self.optimizer.step()
        return loss
