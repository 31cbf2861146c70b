"""What each tool suggests for a workload, from its own ramp over the same start."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

import lrwatch
from tests.benchmarks.find_lr.loader import TaskLoader
from tests.benchmarks.find_lr.peers import PEERS, Peer
from tests.benchmarks.sweep.optimizers import make_optimizer
from tests.benchmarks.sweep.task import Task
from tests.benchmarks.sweep.workload import Workload

OURS = "lrwatch"
RAMP_ONLY = "lrwatch, ramp only"
N_PEER_STEPS = 100
N_RAMP_STEPS = 200


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tool's answer.

    Attributes:
        tool: Its name.
        lr: The rate; None where it gave none.
        n_steps: Optimizer steps that it took.
    """

    tool: str
    lr: float | None
    n_steps: int


def suggestions(workload: Workload, seed: int) -> Iterator[Suggestion]:
    """Ours and those of the peers."""
    yield _ours(workload, seed, OURS)
    yield _ours(workload, seed, RAMP_ONLY, n_steps=N_RAMP_STEPS, trial_steps=0)
    for peer in PEERS:
        lrs, losses = _ramp(workload, seed, peer)
        lr = peer.suggest(lrs, losses)
        yield Suggestion(peer.name, lr, len(losses))


def _start(workload: Workload, seed: int) -> tuple[Task, torch.optim.Optimizer]:
    torch.manual_seed(1000 + seed)
    task = workload.build(seed)
    return task, make_optimizer(workload.optimizer, task.model.parameters(), 1.0)


def _ours(workload: Workload, seed: int, name: str, **settings: int) -> Suggestion:
    task, optimizer = _start(workload, seed)
    loader = TaskLoader(task, seed)
    found = lrwatch.find_lr(task.model, optimizer, loader, loss_of=loader.loss, **settings)  # type: ignore[arg-type]
    return Suggestion(name, found.lr, found.n_steps)


def _ramp(workload: Workload, seed: int, peer: Peer) -> tuple[np.ndarray, np.ndarray]:
    task, optimizer = _start(workload, seed)
    lrs = np.geomspace(peer.start, peer.end, N_PEER_STEPS)
    losses: list[float] = []
    for lr in lrs:
        optimizer.param_groups[0]["lr"] = float(lr)
        loss = task.loss()
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lrs[: len(losses)], np.array(losses)
