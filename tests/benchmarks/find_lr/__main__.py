"""Regret of suggested rates: ``python -m tests.benchmarks.find_lr``, ``--held-out``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from tests.benchmarks.find_lr.held_out import HELD_OUT
from tests.benchmarks.find_lr.outcomes import Trained, bests
from tests.benchmarks.find_lr.suggestions import suggestions
from tests.benchmarks.find_lr.table import Result, report
from tests.benchmarks.sweep.__main__ import FOLDER, sweep
from tests.benchmarks.sweep.workload import Workload
from tests.benchmarks.sweep.workloads import WORKLOADS

KEPT = Path(".bench/find_lr")


def results(
    workloads: Sequence[Workload], seeds: Sequence[int], swept: Path, *, talk: bool
) -> list[Result]:
    """Every tool on every workload and seed; trains what is not in the folders yet."""
    sweep(swept, workloads, seeds)
    best, trained = bests(swept), Trained(KEPT / "outcomes.csv")
    found = []
    for seed in seeds:
        for workload in workloads:
            for s in suggestions(workload, seed):
                missed = trained.regret(workload, seed, s.lr, best[workload.key, seed])
                found.append(Result(s.tool, workload.key, seed, s.lr, s.n_steps, missed))
            if talk:
                told = "  ".join(
                    f"{r.lr or 0:.2g}:{r.regret:.3f}" for r in found if _is(r, workload.key, seed)
                )
                at = best[workload.key, seed].lr
                print(f"{workload.key} {seed} best {at:.2g}  {told}", file=sys.stderr, flush=True)
    return found


def _is(result: Result, key: str, seed: int) -> bool:
    return (result.workload, result.seed) == (key, seed)


def main() -> None:
    """Parse the command line, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--held-out", action="store_true", help="the workloads kept for this")
    parser.add_argument("--surrogates", action="store_true", help="the GAN and the bandit, too")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    workloads = [w for w in WORKLOADS if chosen.surrogates or not w.surrogate]
    folder = FOLDER
    if chosen.held_out:
        workloads, folder = list(HELD_OUT), KEPT / "held_out"
    print(report(results(workloads, chosen.seeds, folder, talk=True)))


if __name__ == "__main__":
    main()
