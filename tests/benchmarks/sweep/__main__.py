"""Make the sweep: ``python -m tests.benchmarks.sweep --seeds 0 1 2``; what exists is kept.

With ``--tables`` that over the tables of scikit-learn, with ``--swapped`` both under other
optimizers, with ``--longer`` runs eight times as long, with ``--small-batches`` one to four samples
in a batch, with ``--floors`` those with little to learn, with ``--held-out`` the one that nothing
is fitted to, each in a folder of its own.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from tests.benchmarks.sweep import floors, longer, small_batches, swapped, tables
from tests.benchmarks.sweep.held_out import HELD_OUT
from tests.benchmarks.sweep.store import Outcome, outcomes, save
from tests.benchmarks.sweep.training import train
from tests.benchmarks.sweep.workload import Workload
from tests.benchmarks.sweep.workloads import MULTIPLIERS, WORKLOADS

FOLDER = Path(".bench/sweep")
TABLES_FOLDER = Path(".bench/tables")
HELD_OUT_FOLDER = Path(".bench/held_out")
SWAPPED_FOLDER = Path(".bench/swapped")
LONGER_FOLDER = Path(".bench/longer")
SMALL_FOLDER = Path(".bench/small_batches")
FLOORS_FOLDER = Path(".bench/floors")


def sweep(
    folder: Path,
    workloads: Sequence[Workload],
    seeds: Sequence[int],
    factors: Sequence[float] = MULTIPLIERS,
) -> None:
    """Train whatever of this is not in the folder yet, seed by seed."""
    done = {(o.name, o.seed, o.mult) for o in outcomes(folder)}
    for seed in seeds:
        for workload in workloads:
            named = {f"{factor:.5g}": factor for factor in factors}
            missing = {m: f for m, f in named.items() if (workload.key, seed, m) not in done}
            started = time.perf_counter()
            for mult, factor in missing.items():
                train_and_save(folder, workload, seed, mult, workload.centre * factor)
            if missing:
                took = time.perf_counter() - started
                print(f"{workload.key} seed {seed}: {took:.1f} s", file=sys.stderr, flush=True)


def train_and_save(folder: Path, workload: Workload, seed: int, mult: str, lr: float) -> None:
    """Add one run to the folder."""
    run = train(workload, seed=seed, lr=lr)
    kept = Outcome(workload.key, seed, mult, lr, len(run.rows), run.initial, run.final)
    save(folder, kept, run)


def main() -> None:
    """Parse the command line and make the sweep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", action="store_true", help="the workloads over tables instead")
    parser.add_argument("--swapped", action="store_true", help="those with other optimizers")
    parser.add_argument("--longer", action="store_true", help="eight times as long, at six rates")
    parser.add_argument("--small-batches", action="store_true", help="one to four samples a batch")
    parser.add_argument("--floors", action="store_true", help="those with little to learn")
    parser.add_argument("--held-out", action="store_true", help="those that nothing is fitted to")
    parser.add_argument("--out", type=Path, help="folder of the sweep")
    parser.add_argument("--seeds", type=int, nargs="+", help="instead of those of the figures")
    parser.add_argument("--only", nargs="+", help="names such as glyph_mlp/sgd")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    folder, factors = FOLDER, MULTIPLIERS
    registry: Sequence[tuple[Sequence[Workload], Sequence[int]]] = ((WORKLOADS, (0, 1, 2)),)
    if chosen.tables:
        folder, registry = TABLES_FOLDER, tables.SEEDS
    elif chosen.held_out:
        folder, registry = HELD_OUT_FOLDER, ((HELD_OUT, (0,)),)
    elif chosen.swapped:
        folder, registry = SWAPPED_FOLDER, ((swapped.SWAPPED, (swapped.SEED,)),)
    elif chosen.longer:
        folder, registry = LONGER_FOLDER, ((longer.LONGER, (longer.SEED,)),)
        factors = longer.FACTORS
    elif chosen.floors:
        folder, registry = FLOORS_FOLDER, ((floors.FLOORS, (floors.SEED,)),)
    elif chosen.small_batches:
        tiny = tuple(small_batches.small_batches())
        folder, registry = SMALL_FOLDER, ((tiny, (small_batches.SEED,)),)
    for workloads, seeds in registry:
        wanted = [w for w in workloads if not chosen.only or w.key in chosen.only]
        sweep(chosen.out or folder, wanted, chosen.seeds or seeds, factors)


if __name__ == "__main__":
    main()
