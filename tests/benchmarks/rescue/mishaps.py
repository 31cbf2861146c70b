"""What can happen to a healthy run midway, each from a step on."""

from collections.abc import Callable

import torch

from tests.benchmarks.sweep.task import Supervised

RATE = 30.0
SPOILT = 30.0


class Mishap:
    """Spoils data or rate of some steps and leaves the rest as it was.

    Args:
        at: First step.
        n_steps: Steps that it lasts.
        spoil: Changes the data of a task.
        rate: Factor on the rate from the first step to the end.
    """

    def __init__(
        self,
        at: int,
        n_steps: int = 0,
        spoil: Callable[[Supervised], None] | None = None,
        rate: float = 1.0,
    ) -> None:
        self._at, self._n_steps, self._spoil, self._rate = at, n_steps, spoil, rate

    @property
    def n_bad(self) -> int:
        """Updates that who knew would leave out: the spoilt ones, or the first too hot."""
        return self._n_steps or 1

    def rate(self, step: int) -> float:
        """Factor on the rate of this step."""
        return self._rate if step >= self._at else 1.0

    def loss(self, step: int, task: Supervised) -> torch.Tensor:
        """Loss of the next batch, spoilt where it is time."""
        if self._spoil is None or not self._at <= step < self._at + self._n_steps:
            return task.loss()
        x, y = task.x, task.y
        self._spoil(task)
        loss = task.loss()
        task.x, task.y = x, y
        return loss


def poison(task: Supervised) -> None:
    """Inputs thirty times too large, or of other samples where they are symbols."""
    if task.x.is_floating_point():
        task.x = task.x * SPOILT
    else:
        task.x = task.x.roll(1, 0)


def not_a_number(task: Supervised) -> None:
    """Targets or inputs that make the loss NaN."""
    if task.x.is_floating_point():
        task.x = task.x * torch.nan
        return
    criterion = task.criterion

    def once(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        task.criterion = criterion
        return criterion(out, y) * torch.nan

    task.criterion = once


def shuffle(task: Supervised) -> None:
    """Targets of other samples."""
    task.y = task.y[torch.randperm(len(task.y), generator=torch.Generator().manual_seed(5))]


MISHAPS: dict[str, Callable[[int], Mishap]] = {
    "one poisoned batch": lambda at: Mishap(at, 1, poison),
    "ten poisoned batches": lambda at: Mishap(at, 10, poison),
    "rate x30 from then on": lambda at: Mishap(at, rate=RATE),
    "a NaN batch": lambda at: Mishap(at, 1, not_a_number),
    "labels shuffled, 20 steps": lambda at: Mishap(at, 20, shuffle),
}
