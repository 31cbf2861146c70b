"""What a watched step costs: Python in the hooks, the gradient norm, and the threads.

Run with ``python -m tests.benchmarks.hook_cost [--rounds N]``. Every workload is one model and one
optimizer whose hooks are timed inside of a run: time in the hooks over time of the step. A ratio of
whole steps with and without would drown in the noise of the machine. The time is CPU time of the
thread where ``--clock cpu`` is given, so that a busy machine counts less.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lrwatch import attach
from lrwatch.loop import step_norm

CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.thread_time}


@dataclass(frozen=True, slots=True)
class Workload:
    """A training step of known size."""

    name: str
    layers: tuple[int, ...]
    n_rows: int
    n_steps: int
    limit_us: float

    def build(self) -> tuple[nn.Module, Tensor, Tensor]:
        torch.manual_seed(0)
        sizes = list(zip(self.layers, self.layers[1:], strict=False))
        parts = [part for a, b in sizes for part in (nn.Linear(a, b), nn.Tanh())]
        x = torch.randn(self.n_rows, self.layers[0])
        return nn.Sequential(*parts[:-1]), x, torch.randn(self.n_rows, self.layers[-1])


WORKLOADS = (
    Workload("1 ms: 4 layers of 64", (64, 64, 64, 64, 10), 64, 3000, 20.0),
    Workload("5 ms: 4 layers of 256", (256, 256, 256, 256, 10), 256, 800, 20.0),
    Workload("200 ms: 13 layers of 1024", (1024,) * 14, 384, 25, 75.0),
)


@dataclass(slots=True)
class Cost:
    """Seconds spent in a run."""

    steps: list[float] = field(default_factory=list)
    hooks: float = 0.0
    norm: float = 0.0
    n_norms: int = 0
    threads: float = 0.0

    def row(self, name: str, limit_us: float) -> str:
        n = len(self.steps)
        step_us = statistics.median(self.steps) * 1e6
        hook_us = (self.hooks - self.norm) / n * 1e6
        norm_us = self.norm / n * 1e6
        return (
            f"{name:<28} {step_us / 1000:8.2f} {hook_us:8.1f} {100 * hook_us / step_us:7.2f} "
            f"{limit_us:6.0f} {norm_us:8.1f} {100 * norm_us / step_us:7.2f} "
            f"{self.n_norms:5d}/{n:<5d} {self.threads / n * 1e6:8.1f}"
        )


HEADER = (
    f"{'workload':<28} {'step ms':>8} {'hook us':>8} {'hook %':>7} {'limit':>6} {'norm us':>8} "
    f"{'norm %':>7} {'norms':>11} {'threads us':>10}"
)


class Stopwatch:
    """Adds up the time that calls of a function take, less an empty call's."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.total = 0.0
        self.n = 0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        clock = self._clock

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = clock()
            result = function(*args, **kwargs)
            self.total += clock() - start
            self.n += 1
            return result

        return timed


def measure(workload: Workload, clock: Callable[[], float], n_warm: int = 50) -> Cost:
    """One run: every entry of lrwatch into the loop is timed where the loop calls it."""
    model, x, y = workload.build()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    hooks, norm, original = Stopwatch(clock), Stopwatch(clock), Stopwatch(clock)
    n_warm = min(n_warm, workload.n_steps)
    with ExitStack() as stack:
        timed_norm = norm.around(step_norm.grad_norm)
        stack.enter_context(mock.patch.object(step_norm, "grad_norm", timed_norm))
        inner = original.around(torch.autograd.backward)
        stack.enter_context(mock.patch.object(torch.autograd, "backward", inner))
        run_dir = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(attach(optimizer, run_dir=run_dir, stderr=False))
        outer = hooks.around(torch.autograd.backward)
        stack.enter_context(mock.patch.object(torch.autograd, "backward", outer))
        _time_step_hooks(optimizer, hooks)
        for _ in range(n_warm):
            _step(model, optimizer, x, y)
        for watch in (hooks, norm, original):
            watch.total, watch.n = 0.0, 0
        cost = Cost()
        threads_s = _other_threads()
        for _ in range(workload.n_steps):
            start = clock()
            _step(model, optimizer, x, y)
            cost.steps.append(clock() - start)
        cost.threads = _other_threads() - threads_s
        n_calls = hooks.n + original.n
        cost.hooks = hooks.total - original.total - n_calls * _empty_call(clock)
        cost.norm, cost.n_norms = norm.total, norm.n
    return cost


def _step(model: nn.Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> None:
    optimizer.zero_grad()
    loss = (model(x) - y).square().mean()
    loss.backward()
    optimizer.step()


def _time_step_hooks(optimizer: Optimizer, hooks: Stopwatch) -> None:
    registered = optimizer._optimizer_step_pre_hooks
    for key in list(registered):
        registered[key] = hooks.around(registered[key])


def _empty_call(clock: Callable[[], float], n: int = 2000) -> float:
    """What an empty timed call seems to take."""
    empty = Stopwatch(clock)
    call = empty.around(lambda: None)
    for _ in range(n):
        call()
    return empty.total / n


def _other_threads() -> float:
    """CPU time of all Python threads but this one, in seconds."""
    total = 0.0
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.ident is not None:
            total += time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    return total


def main() -> None:
    """Print one row a workload, the median of the rounds by hook time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(HEADER)
    for workload in WORKLOADS:
        costs = [measure(workload, CLOCKS[options.clock]) for _ in range(options.rounds)]
        costs.sort(key=lambda cost: cost.hooks - cost.norm)
        print(costs[len(costs) // 2].row(workload.name, workload.limit_us), flush=True)


if __name__ == "__main__":
    main()
