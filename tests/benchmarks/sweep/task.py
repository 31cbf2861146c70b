"""What a workload trains: something that draws its own batches and can be evaluated as a whole."""

import math
from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor, nn

Criterion = Callable[[Tensor, Tensor], Tensor]


class Task(Protocol):
    """A model with its data; all randomness comes from the seed it was built with."""

    @property
    def model(self) -> nn.Module:
        """What is trained."""
        ...

    def loss(self) -> Tensor:
        """Loss of the next batch, ready for backward()."""
        ...

    def evaluate(self) -> float:
        """What the training should make small, over the whole training set."""
        ...


class Batches:
    """Indices of shuffled batches, epoch after epoch, the last short batch of an epoch left out.

    Args:
        n_samples: Size of the training set, >= ``batch_size``.
        batch_size: Samples in a batch, >= 1.
        seed: Seed of the order.
    """

    def __init__(self, n_samples: int, batch_size: int, seed: int) -> None:
        self._n_samples = n_samples
        self._batch_size = batch_size
        self._generator = torch.Generator().manual_seed(seed)
        self._order: Iterator[Tensor] = iter(())

    def __next__(self) -> Tensor:
        batch = next(self._order, None)
        if batch is None:
            order = torch.randperm(self._n_samples, generator=self._generator)
            whole = self._n_samples // self._batch_size * self._batch_size
            self._order = iter(torch.split(order[:whole], self._batch_size))
            batch = next(self._order)
        return batch


class Supervised:
    """A model that maps ``x`` to something that ``criterion`` compares with ``y``.

    The whole training set is evaluated in training mode, as the loss of a batch is: a net with
    batch normalisation is judged by the objective that it was trained on.
    """

    def __init__(
        self,
        model: nn.Module,
        x: Tensor,
        y: Tensor,
        criterion: Criterion,
        *,
        batch_size: int,
        seed: int,
    ) -> None:
        self.model, self.x, self.y, self.criterion = model, x, y, criterion
        self.batches = Batches(len(x), batch_size, seed)

    def loss(self) -> Tensor:
        """Loss of the next batch, ready for backward()."""
        batch = next(self.batches)
        return self.criterion(self.model(self.x[batch]), self.y[batch])

    def evaluate(self) -> float:
        """Mean loss over the training set; infinite where it is not finite."""
        with torch.no_grad():
            return finite_or_inf(float(self.criterion(self.model(self.x), self.y)))


def finite_or_inf(value: float) -> float:
    """The value, or infinity for one that is not a number."""
    return value if math.isfinite(value) else math.inf
