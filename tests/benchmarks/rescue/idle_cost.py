"""What the back-off adds to a step while nothing happens: ``python -m ...rescue.idle_cost``.

Processor time in the hooks beside that of the step, see ``tests.benchmarks.in_situ``; snapshots and
the gradient norm are in it. Each size is measured in the launch of a run, where every step is told
before its update, and after it.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

import lrwatch
from tests.benchmarks.in_situ import InSitu, clock

HEADER = (
    f"{'optimizer':<10} {'step ms':>8} {'steps':>12} {'hooks us':>9} {'norm us':>8} "
    f"{'norms':>9} {'all us':>8} {'all %':>7}"
)


@dataclass(frozen=True, slots=True)
class Size:
    """A chain of four layers, and how many of its steps are measured after how many."""

    optimizer: Callable[..., Optimizer]
    width: int
    n_rows: int
    stretches: tuple[tuple[int, int], ...] = ((20, 128), (500, 1000), (2000, 2500))


SIZES = (
    Size(torch.optim.SGD, 128, 128),
    Size(torch.optim.SGD, 256, 512),
    Size(torch.optim.AdamW, 512, 64),
    Size(torch.optim.AdamW, 512, 512, ((20, 128), (500, 700))),
)


def measure(size: Size, *, backoff: bool) -> None:
    """Print a line a stretch."""
    torch.manual_seed(0)
    model = nn.Sequential(*(nn.Linear(size.width, size.width) for _ in range(4)))
    optimizer = size.optimizer(model.parameters(), lr=1e-5)
    x = torch.randn(size.n_rows, size.width)
    in_situ, n_steps = InSitu(optimizer, control=0.1), 0

    def step() -> float:
        in_situ.next_step()
        start_s = clock()
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), x).backward()
        optimizer.step()
        return clock() - start_s

    watching = in_situ.around(
        lambda: lrwatch.attach(optimizer, model, run_dir=False, backoff=backoff, stderr=False)
    )
    with watching:
        for first, last in size.stretches:
            while n_steps < first:
                n_steps += bool(step())
            in_situ.reset()
            times = [step() for _ in range(first, last)]
            n_steps = last
            hook, norm = in_situ.hook_s, in_situ.norm_s / in_situ.n_watched
            bare = statistics.fmean(times) - 0.9 * (hook + norm)
            print(
                f"{type(optimizer).__name__:<10} {1e3 * bare:8.2f} {f'{first}-{last}':>12} "
                f"{1e6 * hook:9.1f} {1e6 * norm:8.1f} "
                f"{f'{in_situ.n_norms}/{in_situ.n_watched}':>9} "
                f"{1e6 * (hook + norm):8.1f} {100 * (hook + norm) / bare:7.2f}",
                flush=True,
            )


def main() -> None:
    """Print a table with the back-off, and one without."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    torch.set_num_threads(1)
    for backoff in (True, False):
        print("with back-off" if backoff else "watched only", HEADER, sep="\n")
        for size in SIZES:
            measure(size, backoff=backoff)


if __name__ == "__main__":
    main()
