"""What judging a step costs: ``python -m tests.benchmarks.detector_cost [--long]``.

Processor time of ``Watcher.update`` in a tight loop, Steps made beforehand: over the whole run, in
its first and in its last tenth, and by how much the process grew after that first tenth. A run is a
falling loss with noise and, now and then, a jump; the norm comes with every step or every tenth.
"""

import argparse
import math
import random
import time
import tracemalloc
from collections.abc import Iterator

from lrwatch.records import Step
from lrwatch.watcher import Watcher
from tests.benchmarks.usage import memory_mb

LIMIT_US = 12.0
_PIECE = 10_000
_SHORT = (100_000, 1_000_000)
_LONG = 10_000_000


def steps(first: int, n: int, norm_every: int, rng: random.Random) -> list[Step]:
    """The next ``n`` steps of the run."""
    return [
        Step(
            step=i,
            loss=2.0 * (1.0 + i) ** -0.1 + rng.gauss(0.0, 0.05) + (rng.random() < 1e-4) * 5.0,
            grad_norm=math.exp(rng.gauss(0.0, 0.2)) if i % norm_every == 0 else None,
            lr=1e-3,
            time=1.7e9 + 0.01 * i,
        )
        for i in range(first, first + n)
    ]


def pieces_us(watcher: Watcher, n_steps: int, norm_every: int) -> Iterator[float]:
    """Microseconds a step, for every 10,000 steps."""
    rng, update = random.Random(0), watcher.update
    for first in range(0, n_steps, _PIECE):
        made = steps(first, _PIECE, norm_every, rng)
        start = time.process_time()
        for step in made:
            update(step)
        yield (time.process_time() - start) / _PIECE * 1e6


def growth_kb(norm_every: int, n_steps: int = 200_000) -> float:
    """By how much the second half of a run made the watcher grow."""
    watcher = Watcher()
    tracemalloc.start()
    sizes = []
    for i, _ in enumerate(pieces_us(watcher, n_steps, norm_every)):
        if (i + 1) % (n_steps // _PIECE // 2) == 0:
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return (sizes[1] - sizes[0]) / 1024


def main() -> None:
    """Print one row a length of run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="also ten million steps")
    lengths = _SHORT + ((_LONG,) if parser.parse_args().long else ())
    print(f"us a step of processor time; limit {LIMIT_US:.0f}")
    print(
        f"{'steps':>10} {'norm every':>10} {'all':>6} {'first 10 %':>10} {'last 10 %':>10} "
        f"{'memory MiB':>10}"
    )
    for n_steps in lengths:
        for norm_every in (1, 10):
            costs, tenth, early_mb = [], n_steps // _PIECE // 10, 0.0
            for cost in pieces_us(Watcher(), n_steps, norm_every):
                costs.append(cost)
                if len(costs) == tenth:
                    early_mb = memory_mb()
            grown = (memory_mb() - early_mb) * 1e6 / 2**20
            parts = (costs, costs[:tenth], costs[-tenth:])
            mean, first, last = (sum(part) / len(part) for part in parts)
            print(
                f"{n_steps:>10,} {norm_every:>10} {mean:>6.2f} {first:>10.2f} {last:>10.2f} "
                f"{grown:>+10.2f}",
                flush=True,
            )
    for norm_every in (1, 10):
        grown = growth_kb(norm_every)
        print(f"memory, from 100,000 to 200,000 steps, norm every {norm_every}: {grown:+.1f} KiB")


if __name__ == "__main__":
    main()
