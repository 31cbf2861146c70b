"""Rows 21, 22 and 41: schedules under a back-off, what counts as a step, compiled trainings."""

import itertools
from dataclasses import replace
from typing import Any
from unittest import mock

import torch
from torch.optim import Optimizer
from torch.optim import lr_scheduler as schedules

from lrwatch import Step, Watcher, attach
from lrwatch.control.rate import RateScale
from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.control.test_rate import SCHEDULES, give_gradients, make
from tests.control.test_rate import rates as rates_of
from tests.detectors.streams import HEALTHY, loud, tell
from tests.loop.training import Told, loss_of, small_model, train

_SCALE = 0.3


def scheduled(n_steps: int) -> Figure:
    """Row 21: each scheduler of torch, with a lower rate in the middle third of the run."""
    n_ratios = n_restored = 0
    with mock.patch("tests.control.test_rate.N_STEPS", n_steps):  # the length OneCycleLR is told
        for new in SCHEDULES.values():
            bare, lent = make("adamw"), make("adamw")
            plain, seen = _run(bare, new(bare), n_steps, lends=False)
            after, applied = _run(lent, new(lent), n_steps, lends=True)
            n_restored += after == plain
            wanted = [[lr * _scale(i, n_steps) for lr in rates] for i, rates in enumerate(seen)]
            n_ratios += applied == wanted
    n = len(SCHEDULES)
    return together(
        all_of(n_ratios, n, f"schedulers whose rate was scaled as asked at all {n_steps:,} steps"),
        all_of(n_restored, n, "schedulers whose own rates kept their bits"),
    )


def _scale(step: int, n_steps: int) -> float:
    return _SCALE if n_steps // 3 <= step < 2 * n_steps // 3 else 1.0


def _run(optimizer: Optimizer, scheduler: Any, n_steps: int, *, lends: bool) -> tuple[Any, Any]:
    """The rates as scheduled after each step, and as the step itself found them."""
    rate = RateScale(optimizer) if lends else None
    applied: list[list[float]] = []
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: applied.append(rates_of(opt)))
    after = []
    for i in range(n_steps):
        if rate is not None:
            rate.scale = _scale(i, n_steps)
        give_gradients(optimizer)
        optimizer.step()
        scheduler.step(*([1.0] if isinstance(scheduler, schedules.ReduceLROnPlateau) else []))
        after.append(rates_of(optimizer))
    return after, applied


def false_alerts(n_steps: int) -> Figure:
    """Row 22: healthy runs, as they are, logged at intervals, in other units."""
    n = n_loud = 0
    for seed in itertools.count():
        for stream in HEALTHY.values():
            run = stream(seed)
            for told in (run, _thinned(run), _in_other_units(run)):
                n, n_loud = n + len(told), n_loud + len(loud(tell(Watcher(), told)))
        if n >= n_steps:
            break
    return Figure(f"{n_loud} alerts of warning or more in {n:,} steps of healthy runs", not n_loud)


def _thinned(run: list[Step]) -> list[Step]:
    return [replace(step, step=10 * step.step) for step in run]


def _in_other_units(run: list[Step]) -> list[Step]:
    return [replace(step, loss=1e3 * (step.loss or 0.0) - 5.0) for step in run]


def accumulated(n_steps: int) -> Figure:
    """Row 22: gradients of four batches a step, and an evaluation between."""
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, stderr=False, sinks=[told]):
        for i in range(n_steps):
            optimizer.zero_grad()
            parts = [loss_of(model, 4 * i + k) / 4 for k in range(4)]
            for part in parts:
                part.backward()
            optimizer.step()
            logged.append(sum(part.item() for part in parts))
            with torch.no_grad():
                loss_of(model, -1 - i)
    n_right = sum(a == b for a, b in zip(told.losses, logged, strict=False))
    steps = [step.step for step in told.steps] == list(range(n_steps))
    return together(
        Figure(f"{len(told.steps)} steps counted of {n_steps} with 4 batches each", steps),
        all_of(n_right, n_steps, "losses that are the sum of their parts"),
    )


def graph_breaks(n_steps: int) -> Figure:
    """Row 41: graphs and graph breaks of a compiled model and step, bare and under watch."""
    bare, watched = _graphs(n_steps, watch=False), _graphs(n_steps, watch=True)
    words = f"graphs {bare[0]} bare and {watched[0]} watched, graph breaks {bare[1]} and "
    none_added = watched[0] == bare[0] and watched[1] <= bare[1]
    return Figure(f"{words}{watched[1]}, in {n_steps} compiled steps", none_added)


def _graphs(n_steps: int, *, watch: bool) -> tuple[int, int]:
    model = small_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(1e-3))
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    step = torch.compile(optimizer.step, backend="eager")
    compiled: Any = torch.compile(model, backend="eager")
    watching = attach(optimizer, run_dir=False, stderr=False, norm_every=1) if watch else None
    with mock.patch.object(optimizer, "step", step):
        train(compiled, optimizer, n_steps)
    if watching is not None:
        watching.close()
    counters = torch._dynamo.utils.counters
    torch._dynamo.reset()
    return int(counters["stats"]["unique_graphs"]), sum(counters["graph_break"].values())
