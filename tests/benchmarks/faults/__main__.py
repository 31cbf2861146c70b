"""Make the runs with faults: ``python -m tests.benchmarks.faults``; what exists is kept."""

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from tests.benchmarks.faults.kinds import KINDS, rectified
from tests.benchmarks.faults.store import UNHARMED, Case, cases, save
from tests.benchmarks.sweep.training import train
from tests.benchmarks.sweep.workload import Workload
from tests.benchmarks.sweep.workloads import WORKLOADS

FOLDER = Path(".bench/faults")
CHOSEN = (
    "glyph_mlp/sgd",
    "glyph_cnn/adam",
    "glyph_bn_cnn/sgd",
    "friedman_mlp/momentum",
    "shape_autoencoder/adam",
    "spiral_mlp/rmsprop",
    "sets/adam",
    "sums_gru/rmsprop",
    "teacher_mlp_cosine/adamw",
)


def make(folder: Path, workloads: Sequence[Workload], seeds: Sequence[int]) -> None:
    """Train whatever of this is not in the folder yet, each twin before its harmed runs."""
    done = {(c.name, c.seed, c.kind): c for c in cases(folder)}
    for seed in seeds:
        for workload in workloads:
            twin = done.get((workload.key, seed, UNHARMED)) or run_twin(folder, workload, seed)
            for kind in kinds(workload, seed):
                if (workload.key, seed, kind) not in done:
                    run_harmed(folder, workload, twin, kind)


def kinds(workload: Workload, seed: int) -> Iterator[str]:
    """The faults that can be put into this workload."""
    for kind in KINDS:
        if kind != "dead_units" or rectified(workload.build(seed).model) is not None:
            yield kind


def run_twin(folder: Path, workload: Workload, seed: int) -> Case:
    """Train without a fault."""
    lr = workload.centre
    run = train(workload, seed=seed, lr=lr)
    done, final = len(run.rows), run.final
    case = Case(workload.key, seed, UNHARMED, done, lr, done, run.initial, final, final)
    save(folder, case, run)
    return case


def run_harmed(folder: Path, workload: Workload, twin: Case, kind: str) -> None:
    """Train with a fault from a step between 20 and 60 % of the run on."""
    share = random.Random(f"{workload.key} {twin.seed} {kind}").uniform(0.2, 0.6)
    at = int(share * workload.n_steps)
    disturb = KINDS[kind](at, twin.seed)
    run = train(workload, seed=twin.seed, lr=twin.lr, before_step=disturb)
    done, final = len(run.rows), run.final
    case = Case(twin.name, twin.seed, kind, at, twin.lr, done, run.initial, final, twin.final)
    save(folder, case, run)


def main() -> None:
    """Parse the command line and make the runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    make(chosen.out, [w for w in WORKLOADS if w.key in CHOSEN], chosen.seeds)


if __name__ == "__main__":
    main()
