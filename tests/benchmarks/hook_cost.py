"""What a watched step costs: Python in the hooks, the gradient norm, and the threads.

Run with ``python -m tests.benchmarks.hook_cost [--rounds N]``. Every workload is one model and one
optimizer whose hooks are timed inside of a run: time in the hooks over time of the step. What is
done at a step only because its norm is taken counts as the norm. A ratio of whole steps with and
without would drown in the noise of the machine. A call in which the system gave the processor to
somebody else (over 2 ms) is counted and left out of the mean.
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
from lrwatch.loop.step_norm import StepNorm

PREEMPTED_S = 2e-3

clock = time.perf_counter


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
    """Seconds spent in a run; ``hooks`` is the mean of a step, without the norm."""

    steps: list[float] = field(default_factory=list)
    hooks: float = 0.0
    n_left_out: int = 0
    norm: float = 0.0
    n_norms: int = 0
    threads: float = 0.0

    def row(self, name: str, limit_us: float) -> str:
        n = len(self.steps)
        step_us = statistics.median(self.steps) * 1e6
        hook_us = self.hooks * 1e6
        norm_us = self.norm / n * 1e6
        return (
            f"{name:<28} {step_us / 1000:8.2f} {hook_us:8.1f} {100 * hook_us / step_us:7.2f} "
            f"{limit_us:6.0f} {norm_us:8.1f} {100 * norm_us / step_us:7.2f} "
            f"{self.n_norms:5d}/{n:<5d} {self.threads / n * 1e6:10.1f} {self.n_left_out:8d}"
        )


HEADER = (
    f"{'workload':<28} {'step ms':>8} {'hook us':>8} {'hook %':>7} {'limit':>6} {'norm us':>8} "
    f"{'norm %':>7} {'norms':>11} {'threads us':>10} {'left out':>8}"
)


class Stopwatch:
    """Adds up the time that calls of a function take, less what ``inner`` measured meanwhile."""

    def __init__(self, inner: "Stopwatch | None" = None) -> None:
        self._inner = inner
        self.reset()

    def reset(self) -> None:
        """Start anew."""
        self.total = 0.0
        self.n = 0
        self.n_left_out = 0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""
        inner = self._inner

        def timed(*args: Any, **kwargs: Any) -> Any:
            inside = inner.total if inner else 0.0
            start = clock()
            result = function(*args, **kwargs)
            spent = clock() - start
            if inner:
                spent -= inner.total - inside
            if spent < PREEMPTED_S:
                self.total += spent
                self.n += 1
            else:
                self.n_left_out += 1
            return result

        return timed


class Endless(Stopwatch):
    """Times what is none of lrwatch's Python: a preempted call counts, to be taken off whole."""

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = clock()
            result = function(*args, **kwargs)
            self.total += clock() - start
            self.n += 1
            return result

        return timed


def measure(workload: Workload, n_warm: int = 100) -> Cost:
    """One run: every entry of lrwatch into the loop is timed where the loop calls it."""
    model, x, y = workload.build()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    norm, original = Endless(), Endless()
    before_step, backward = Stopwatch(norm), Stopwatch(original)
    with ExitStack() as stack:
        timed_norm = norm.around(StepNorm.computed)
        stack.enter_context(mock.patch.object(StepNorm, "computed", timed_norm))
        inner = original.around(torch.autograd.backward)
        stack.enter_context(mock.patch.object(torch.autograd, "backward", inner))
        run_dir = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(attach(optimizer, run_dir=run_dir, stderr=False))
        outer = backward.around(torch.autograd.backward)
        stack.enter_context(mock.patch.object(torch.autograd, "backward", outer))
        _time_step_hooks(optimizer, before_step)
        for _ in range(min(n_warm, workload.n_steps)):
            _step(model, optimizer, x, y)
        for watch in (norm, original, before_step, backward):
            watch.reset()
        cost = Cost()
        threads_s = _other_threads()
        for _ in range(workload.n_steps):
            start = clock()
            _step(model, optimizer, x, y)
            cost.steps.append(clock() - start)
        cost.threads = _other_threads() - threads_s
    calls = ((before_step, 1), (backward, 2))
    empty = _empty_call()
    cost.hooks = sum(w.total / max(w.n, 1) - n_clocks * empty for w, n_clocks in calls)
    cost.n_left_out = sum(w.n_left_out for w, _ in calls)
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


def _empty_call(n: int = 20000) -> float:
    """What an empty timed call seems to take."""
    empty = Stopwatch()
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
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(HEADER)
    for workload in WORKLOADS:
        costs = [measure(workload) for _ in range(options.rounds)]
        costs.sort(key=lambda cost: cost.hooks)
        print(costs[len(costs) // 2].row(workload.name, workload.limit_us), flush=True)


if __name__ == "__main__":
    main()
