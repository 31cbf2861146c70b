"""What each tool suggests for a workload, from its own ramp over the same start."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

import lrwatch
from lrwatch import LrFinding
from lrwatch.loop import patches
from lrwatch.range_test.ear import Ear
from lrwatch.range_test.on_script import OnScript
from lrwatch.range_test.search import search
from lrwatch.range_test.settings import Settings
from lrwatch.range_test.stepper import Stepper
from tests.benchmarks.find_lr.loader import TaskLoader
from tests.benchmarks.find_lr.peers import PEERS, Peer
from tests.benchmarks.sweep.optimizers import make_optimizer
from tests.benchmarks.sweep.task import Task
from tests.benchmarks.sweep.workload import Workload

OURS = "lrwatch"
TOLD = "lrwatch, told of a decay"
RAMP_ONLY = "lrwatch, ramp only"
ON_SCRIPT = "lrwatch find SCRIPT"
N_PEER_STEPS = 100
N_RAMP_STEPS = 200
N_SCRIPT_STEPS = 100


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
    """Ours, in code and as in a script, and those of the peers."""
    ours = _ours(workload, seed, OURS)
    yield ours
    if workload.schedule in ("warmup_cosine", "one_cycle"):
        yield _ours(workload, seed, TOLD, decays=True)
    else:
        yield replace(ours, tool=TOLD)
    yield _ours(workload, seed, RAMP_ONLY, n_steps=N_RAMP_STEPS, trial_steps=0)
    yield _on_script(workload, seed)
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


class _EndedError(Exception):
    pass


def _on_script(workload: Workload, seed: int) -> Suggestion:
    """The loop goes on with its own batches, as a script does that knows nothing of the search."""
    task, optimizer = _start(workload, seed)
    answers: list[LrFinding] = []

    def end(finding: LrFinding) -> None:
        answers.append(finding)
        raise _EndedError

    ear = Ear(optimizer, lambda: None)
    stepper = Stepper(search(Settings(trial_steps=N_SCRIPT_STEPS), paired=False))
    chosen = OnScript(optimizer, ear, stepper, end)
    optimizer.register_step_pre_hook(chosen.before_step)
    optimizer.register_step_post_hook(chosen.after_step)
    patches.listen(ear)
    try:
        while True:
            optimizer.zero_grad()
            task.loss().backward()
            optimizer.step()
    except _EndedError:
        patches.unlisten(ear)
    return Suggestion(ON_SCRIPT, answers[0].lr, stepper.n_observed)


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
