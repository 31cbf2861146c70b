"""Rows 24 and 42: the same bits with and without lrwatch; clocks that jump change nothing."""

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch.optim import lr_scheduler

from lrwatch import attach
from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.benchmarks.proof.files import event_files, events
from tests.benchmarks.soak.core import healthy_steps
from tests.loop.test_unharmed import OPTIMIZERS, SCHEDULERS, assert_same, outcome
from tests.loop.training import Told, small_model, train

# Most optimizers have no momentum that these could cycle.
_WITHOUT_MOMENTUM: dict[str, Callable[[torch.optim.Optimizer], Any]] = {
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 1e-4, 1e-2, 4, cycle_momentum=False),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, 25, cycle_momentum=False),
}


def identity(share: float, seed: int = 0) -> Figure:
    """Row 42: every optimizer under every scheduler of torch; a ``share`` of them."""
    rng = random.Random(seed)
    n = n_same = 0
    misses: list[str] = []
    for name in OPTIMIZERS:
        for scheduler, new in SCHEDULERS.items():
            if rng.random() >= share:
                continue
            new = _WITHOUT_MOMENTUM.get(scheduler, new)
            n += 1
            try:
                assert_same(outcome(name, new, watched=True), outcome(name, new, watched=False))
                n_same += 1
            except AssertionError:
                misses.append(f"{name} under {scheduler}")
    return all_of(n_same, n, "optimizers under schedulers of torch, the same bits", misses)


def generators(n_steps: int) -> Figure:
    """Row 42: the state of every generator of random numbers, and the weights, after a long run."""
    left = []
    for watched in (False, True):
        random.seed(0)
        np.random.seed(0)
        model = small_model()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        watch = attach(optimizer, model, run_dir=False, stderr=False) if watched else None
        train(model, optimizer, n_steps)
        if watch is not None:
            watch.close()
        states = (
            random.getstate(),
            str(np.random.get_state(legacy=False)),
            torch.get_rng_state().tolist(),
        )
        left.append((states, [p.detach().clone() for p in model.parameters()]))
    (states, weights), (other_states, other_weights) = left
    same = all(torch.equal(a, b) for a, b in zip(weights, other_weights, strict=True))
    good = same and states == other_states
    return Figure(
        f"{n_steps:,} steps: weights and generators {'the same' if good else 'differ'}", good
    )


def clocks(n_steps: int) -> Figure:
    """Row 24: the wall's clock jumps by an hour at every other step, back and forth."""
    with tempfile.TemporaryDirectory() as folder:
        calm, _ = _run(Path(folder) / "calm", n_steps, 0.0)
        jumpy, walls = _run(Path(folder) / "jumpy", n_steps, 3600.0)
    same = calm == jumpy
    span_s = max(walls) - min(walls)
    return together(
        Figure(f"{len(calm)} alerts, {'the same' if same else 'others'} with jumps", same),
        Figure(f"times in the event file span {span_s:.0f} s", span_s <= 3 * 3600.0),
    )


def _run(run: Path, n_steps: int, jump_s: float) -> tuple[list[tuple[str, int]], list[float]]:
    steps, real, calls = healthy_steps(), time.time, iter(range(10**9))

    def jumping() -> float:
        return real() + jump_s * (next(calls) % 3 - 1)

    with mock.patch("time.time", jumping):
        weight = torch.nn.Parameter(torch.ones(1))
        optimizer, told = torch.optim.SGD([weight], lr=0.0), Told()
        with attach(optimizer, run_dir=run, stderr=False, sinks=[told]) as watch:
            for i in range(n_steps):
                weight.grad = torch.ones(1)
                watch.observe((next(steps).loss or 0.0) * (50.0 if i % 200 > 180 else 1.0))
                optimizer.step()
    walls = [event.wall_time for path in event_files(run) for event in events(path)]
    return [(alert.kind, alert.step) for alert in told.alerts], walls


def together_identity(share: float, n_steps: int) -> Figure:
    """Row 42 as a whole."""
    return together(identity(share), generators(n_steps))
