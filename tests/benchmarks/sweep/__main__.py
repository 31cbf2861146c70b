"""Make the sweep: ``python -m tests.benchmarks.sweep --seeds 0 1 2``; what exists is kept."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from tests.benchmarks.sweep.store import Outcome, outcomes, save
from tests.benchmarks.sweep.training import train
from tests.benchmarks.sweep.workload import Workload
from tests.benchmarks.sweep.workloads import MULTIPLIERS, WORKLOADS

FOLDER = Path(".bench/sweep")


def sweep(folder: Path, workloads: Sequence[Workload], seeds: Sequence[int]) -> None:
    """Train whatever of this is not in the folder yet, seed by seed."""
    done = {(o.name, o.seed, o.mult) for o in outcomes(folder)}
    for seed in seeds:
        for workload in workloads:
            started = time.perf_counter()
            for factor in MULTIPLIERS:
                mult = f"{factor:.5g}"
                if (workload.key, seed, mult) in done:
                    continue
                lr = workload.centre * factor
                run = train(workload, seed=seed, lr=lr)
                kept = Outcome(workload.key, seed, mult, lr, len(run.rows), run.initial, run.final)
                save(folder, kept, run)
            print(f"{workload.key} seed {seed}: {time.perf_counter() - started:.1f} s", flush=True)


def main() -> None:
    """Parse the command line and make the sweep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the sweep")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", help="names such as glyph_mlp/sgd")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    workloads = [w for w in WORKLOADS if not chosen.only or w.key in chosen.only]
    sweep(chosen.out, workloads, chosen.seeds)


if __name__ == "__main__":
    main()
