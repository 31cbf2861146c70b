"""Optimizers and schedules of the sweep by name, so that a workload is one line."""

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import nn

Optimizer = Literal["sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad"]
Schedule = Literal["constant", "warmup_cosine", "step_decay", "one_cycle"]


def make_optimizer(
    name: Optimizer, parameters: Iterable[nn.Parameter], lr: float
) -> torch.optim.Optimizer:
    """The optimizer with its usual settings at this rate."""
    kept = list(parameters)
    if name == "sgd":
        return torch.optim.SGD(kept, lr=lr, fused=True)
    if name == "momentum":
        return torch.optim.SGD(kept, lr=lr, momentum=0.9, fused=True)
    if name == "adam":
        return torch.optim.Adam(kept, lr=lr, fused=True)
    if name == "adamw":
        return torch.optim.AdamW(kept, lr=lr, fused=True)
    if name == "rmsprop":
        return torch.optim.RMSprop(kept, lr=lr, foreach=True)
    return torch.optim.Adagrad(kept, lr=lr, fused=True)


def factor(schedule: Schedule, step: int, n_steps: int) -> float:
    """What the rate is multiplied with at this step of a run of ``n_steps``; at most 1."""
    done = step / n_steps
    if schedule == "warmup_cosine":
        return _rise_and_cosine(done, top=0.08, start=0.01, end=0.01)
    if schedule == "one_cycle":
        return _rise_and_cosine(done, top=0.3, start=0.04, end=0.0001)
    if schedule == "step_decay":
        return 1.0 if done < 0.5 else 0.1 if done < 0.8 else 0.01
    return 1.0


def _rise_and_cosine(done: float, *, top: float, start: float, end: float) -> float:
    if done < top:
        return start + (1 - start) * done / top
    return end + (1 - end) * (1 + math.cos(math.pi * (done - top) / (1 - top))) / 2
