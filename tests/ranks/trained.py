"""What is trained on several ranks in these tests, and what is kept of it."""

import os
import sys
from typing import Any, NoReturn

import torch
from torch import Tensor, distributed, nn

import lrwatch
from lrwatch.records import Action
from tests.loop.training import Told

Found = dict[str, Any]


def net(seed: int = 0, *, width: int = 16) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, 2))


def loss_on(model: nn.Module, step: int, rank: int) -> Tensor:
    """A loss whose data no two ranks have in common."""
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(1000 * rank + step))
    return nn.functional.cross_entropy(model(x), (x.norm(dim=1) > 2.0).long())


def whole(tensor: Tensor) -> Tensor:
    """A tensor by torch's own route: its collectives."""
    found: Tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    return found.detach()


def true_norm(model: nn.Module) -> float:
    """The norm over all whole gradients, as one vector of doubles."""
    flat = [whole(p.grad).double().flatten() for p in model.parameters() if p.grad is not None]
    return float(torch.cat(flat).norm())


def norm_of_parts(model: nn.Module) -> float:
    """The norm where each rank holds plain parts, as FSDP1 has it."""
    gradients = [p.grad.double() for p in model.parameters() if p.grad is not None]
    square = sum(float(gradient.square().sum()) for gradient in gradients)
    return float((mean(square) * distributed.get_world_size()) ** 0.5)


def mean(value: float) -> float:
    """The mean over the ranks, by a collective."""
    both = torch.tensor([value], dtype=torch.float64)
    distributed.all_reduce(both)
    return both.item() / distributed.get_world_size()


def weights(model: nn.Module) -> list[float]:
    return torch.cat([whole(p).flatten() for p in model.parameters()]).tolist()


def actions(told: Told) -> list[list[Any]]:
    return [[a.kind, a.step, a.scale, a.to_step] for a in told.actions]


def reasons(told: Told) -> list[str]:
    return [action.reason for action in told.actions if isinstance(action, Action)]


def seen(told: Told, watch: lrwatch.Watch) -> Found:
    """What a watch knows of the run."""
    return {
        "steps": [step.step for step in told.steps],
        "losses": told.losses,
        "norms": told.norms,
        "alerts": [[alert.kind, alert.step, alert.state] for alert in watch.alerts],
        "verdict": watch.verdict,
        "actions": actions(told),
        "reasons": reasons(told),
    }


def leave() -> NoReturn:
    """End without Python's own end, in which threads of gloo abort the process now and then."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
