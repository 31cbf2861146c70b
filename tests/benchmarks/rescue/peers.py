"""What other systems do about a run at every step, written from what is known of their rules."""

import math
from collections import deque

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lrwatch.records import Action


class Nothing:
    """The optimizer alone."""

    def __init__(self, optimizer: Optimizer, model: nn.Module) -> None:
        self.optimizer = optimizer
        self.weights = list(model.parameters())
        self.n_lost = 0
        self.actions: list[Action] = []

    def step(self, index: int, loss: float) -> bool:
        """Update the weights, or not; False ends the run."""
        self.optimizer.step()
        return True

    def close(self) -> None:
        """The run is over."""

    def norm(self) -> float:
        """Norm of all gradients."""
        gradients = [p.grad for p in self.weights if p.grad is not None]
        return torch.nn.utils.get_total_norm(gradients).item()

    def shrink(self, norm: float, limit: float) -> None:
        """Scale all gradients so that their norm is at most the limit."""
        if not norm <= limit:
            for p in self.weights:
                if p.grad is not None:
                    p.grad.mul_(limit / (norm + 1e-6))


class LeavesOut(Nothing):
    """No rule: some updates of a run that nothing else happens to are left out.

    Args:
        optimizer: Of the run.
        model: Of the run.
        first: Step of the first of them, >= 0.
        n_steps: How many, >= 0.
    """

    def __init__(self, optimizer: Optimizer, model: nn.Module, *, first: int, n_steps: int) -> None:
        super().__init__(optimizer, model)
        self._left_out = range(first, first + n_steps)

    def step(self, index: int, loss: float) -> bool:
        """Update the weights, or not."""
        return index in self._left_out or super().step(index, loss)


class ClipAtOne(Nothing):
    """Clipping of the global norm at 1.0."""

    def step(self, index: int, loss: float) -> bool:
        """Clip, then update."""
        self.shrink(self.norm(), 1.0)
        return super().step(index, loss)


class ClipByZScore(Nothing):
    """ZClip: a norm beyond 2.5 deviations of its moving average is clipped towards it."""

    def __init__(self, optimizer: Optimizer, model: nn.Module) -> None:
        super().__init__(optimizer, model)
        self._first: list[float] = []
        self._mean = self._variance = 0.0

    def step(self, index: int, loss: float) -> bool:
        """Clip where the norm stands out, then update."""
        norm = self.norm()
        if len(self._first) < 25:
            self._first.append(norm)
            self._mean = sum(self._first) / len(self._first)
            self._variance = sum((x - self._mean) ** 2 for x in self._first) / len(self._first)
            return super().step(index, loss)
        deviation = math.sqrt(self._variance) if self._variance >= 0 else math.nan
        z = (norm - self._mean) / (deviation + 1e-6)
        kept = self._mean + 2.5 * deviation / (z / 2.5) if z > 2.5 else norm
        self.shrink(norm, min(kept, 1.0))
        self._variance = 0.97 * self._variance + 0.03 * (kept - self._mean) ** 2
        self._mean = 0.97 * self._mean + 0.03 * kept
        return super().step(index, loss)


class SkipAtSixSigma(Nothing):
    """The update is left out where loss or norm is 6 deviations above the last 128."""

    def __init__(self, optimizer: Optimizer, model: nn.Module) -> None:
        super().__init__(optimizer, model)
        self._seen = [deque[float](maxlen=128), deque[float](maxlen=128)]

    def step(self, index: int, loss: float) -> bool:
        """Update unless one of both stands out."""
        fine = True
        for seen, value in zip(self._seen, (loss, self.norm()), strict=True):
            if len(seen) >= 64:
                mean = sum(seen) / len(seen)
                variance = sum((x - mean) ** 2 for x in seen) / (len(seen) - 1)
                fine = fine and value <= mean + 6 * math.sqrt(variance)
            seen.append(value)
        return super().step(index, loss) if fine else True


class LowerOnPlateau(Nothing):
    """ReduceLROnPlateau as it comes, stepped with the mean loss of every 20 steps."""

    def __init__(self, optimizer: Optimizer, model: nn.Module) -> None:
        super().__init__(optimizer, model)
        self._twin = torch.optim.SGD([nn.Parameter(Tensor([0.0]))], lr=1.0)
        self._scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(self._twin)
        self._losses: list[float] = []

    def step(self, index: int, loss: float) -> bool:
        """Scale the rate of this step by what the scheduler makes of 1."""
        self._losses.append(loss)
        if len(self._losses) == 20:
            self._scheduler.step(sum(self._losses) / 20)
            self._losses.clear()
        self.optimizer.param_groups[0]["lr"] *= self._twin.param_groups[0]["lr"]
        return super().step(index, loss)
