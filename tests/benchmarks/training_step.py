"""A training step of known size: a chain of linear layers, plain SGD, one thread."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

N_OWN_ROWS = 8


@dataclass(frozen=True, slots=True)
class Workload:
    """Sizes of a step.

    The batch is the same few rows again and again, so that a step on the first of them alone, which
    is how a run is brought past its first steps, has the same loss: one that jumped would be
    trouble, and what is measured then would be no quiet run.
    """

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
        again = math.ceil(self.n_rows / N_OWN_ROWS), 1
        x, y = (torch.randn(N_OWN_ROWS, n).repeat(again)[: self.n_rows] for n in self._ends)
        return Training(model, torch.optim.SGD(model.parameters(), lr=1e-3), x, y)

    @property
    def _ends(self) -> tuple[int, int]:
        return self.layers[0], self.layers[-1]


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
