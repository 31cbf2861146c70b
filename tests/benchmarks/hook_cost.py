"""What a watched step costs: Python in the hooks, the gradient norm, and the threads.

Run with ``python -m tests.benchmarks.hook_cost [--rounds N]``. Time in the hooks stands beside the
time of the step: a ratio of whole steps with and without would drown in the noise of the machine.
All of it is processor time; see ``in_situ`` for the method. What is done at a step only because its
norm is taken counts as the norm. Nothing that takes the norm can be faster than to read every
gradient once: ``floor us`` is that, from memory, and ``each us`` what one norm took. A run is
measured after its first 300 steps, in which its shape is looked at more often.
"""

import argparse
import math
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass

import torch

from lrwatch import attach
from tests.benchmarks.in_situ import InSitu, clock
from tests.benchmarks.training_step import N_OWN_ROWS, Training, Workload
from tests.benchmarks.usage import other_threads_s

WORKLOADS = (
    (Workload("0.4 ms: 4 layers of 64", (64, 64, 64, 64, 10), 64, 6000), 20.0),
    (Workload("5 ms: 4 layers of 256", (256, 256, 256, 256, 10), 256, 1000), 20.0),
    (Workload("400 ms: 13 layers of 1024", (1024,) * 14, 384, 30), 75.0),
)
N_WARM = 300
_STREAM_BYTES = 1 << 28

HEADER = (
    f"{'workload':<28} {'step ms':>8} {'hook us':>8} {'hook %':>7} {'limit':>6} {'norm us':>8} "
    f"{'norm %':>7} {'norms':>11} {'each us':>8} {'floor us':>8} {'threads us':>10}"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Means of a run, in seconds a step."""

    step: float
    hook: float
    norm: float
    threads: float
    n_norms: int
    n_watched: int
    floor: float

    def row(self, name: str, limit_us: float) -> str:
        """One line of the table."""
        return (
            f"{name:<28} {self.step * 1e3:8.2f} {self.hook * 1e6:8.1f} "
            f"{100 * self.hook / self.step:7.2f} {limit_us:6.0f} {self.norm * 1e6:8.1f} "
            f"{100 * self.norm / self.step:7.2f} {self.n_norms:5d}/{self.n_watched:<5d} "
            f"{1e6 * self.norm * self.n_watched / max(self.n_norms, 1):8.1f} "
            f"{1e6 * self.floor:8.1f} "
            f"{self.threads * 1e6:10.1f}"
        )


def bytes_per_s() -> float:
    """How fast this machine reads from memory, on one core."""
    stream = torch.ones(_STREAM_BYTES // 4)
    fastest = math.inf
    for _ in range(3):
        start_s = clock()
        stream.sum()
        fastest = min(fastest, clock() - start_s)
    return _STREAM_BYTES / fastest


def measure(workload: Workload, bandwidth: float) -> Cost:
    """One run; ``bandwidth`` in bytes a second."""
    training = workload.build()
    in_situ = InSitu(training.optimizer)
    with tempfile.TemporaryDirectory() as run_dir, ExitStack() as stack:
        watching = in_situ.around(lambda: attach(training.optimizer, run_dir=run_dir, stderr=False))
        stack.enter_context(watching)
        for _ in range(N_WARM):
            in_situ.next_step()
            training.step(N_OWN_ROWS)
        times(training, in_situ, 10)
        in_situ.reset()
        threads_s = other_threads_s()
        steps = times(training, in_situ, workload.n_steps)
        threads_s = other_threads_s() - threads_s
    n = in_situ.n_watched
    return Cost(
        statistics.median(steps),
        in_situ.hook_s,
        in_situ.norm_s / n,
        threads_s / n,
        in_situ.n_norms,
        n,
        training.gradient_bytes / bandwidth,
    )


def times(training: Training, in_situ: InSitu, n: int) -> list[float]:
    """Seconds of every step of a stretch."""
    found = []
    for _ in range(n):
        in_situ.next_step()
        start_s = clock()
        training.step()
        found.append(clock() - start_s)
    return found


def main() -> None:
    """Print one row a workload, the median of the rounds by hook time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bandwidth = bytes_per_s()
    print(f"one core reads {bandwidth / 1e9:.1f} GB/s from memory")
    print(HEADER)
    for workload, limit_us in WORKLOADS:
        costs = sorted(
            (measure(workload, bandwidth) for _ in range(options.rounds)),
            key=lambda cost: cost.hook,
        )
        print(costs[len(costs) // 2].row(workload.name, limit_us), flush=True)


if __name__ == "__main__":
    main()
