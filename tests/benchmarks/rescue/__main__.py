"""Measure the back-off: ``python -m tests.benchmarks.rescue [--full]``."""

import argparse
import os
from pathlib import Path

import torch

from tests.benchmarks.rescue.bench import Bench, Result
from tests.benchmarks.rescue.picture import draw
from tests.benchmarks.rescue.remedies import BACK_OFF, NOTHING, REMEDIES
from tests.benchmarks.rescue.store import ROOT, Store
from tests.benchmarks.rescue.tables import Launched, failures, launch_rows, mishap_rows
from tests.benchmarks.sweep.small_batches import small_batches
from tests.benchmarks.sweep.third import THIRD
from tests.benchmarks.sweep.workload import Workload
from tests.benchmarks.sweep.workloads import WORKLOADS

TRAINED = tuple(w for w in WORKLOADS if not w.surrogate)
# What the numbers of the policy were chosen on, what they were once confirmed on and looked at
# since, and others, whose failures were looked at for mistakes and to place a few limits. Last,
# some of them with one to four samples a batch.
SMALL = tuple(w for w in small_batches() if not w.surrogate)
SETS = {
    "tuned": TRAINED[::2],
    "confirm": TRAINED[1::2],
    "all": TRAINED,
    "others": THIRD,
    "small": SMALL,
}
PEERS = tuple(name for name in REMEDIES if name not in (NOTHING, BACK_OFF))


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workloads", choices=SETS, default="confirm")
    parser.add_argument("--only", nargs="+", metavar="KEY", help="such as glyph_mlp/sgd")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--full", action="store_true", help="all workloads, three seeds")
    parser.add_argument("--peers", action="store_true", help="other tools' remedies, too")
    parser.add_argument("--no-mishaps", action="store_true", help="launches only")
    parser.add_argument("--runs", type=Path, default=ROOT / ".bench/rescue/runs.jsonl")
    parser.add_argument("--picture", type=Path, help="where to write a picture (PNG)")
    return parser.parse_args()


def measure(
    bench: Bench, workload: Workload, seed: int, remedies: tuple[str, ...], *, mishaps: bool
) -> tuple[list[Launched], list[Result]]:
    """All runs of a workload and seed."""
    launched = [found for name in remedies for found in bench.launches(workload, seed, name)]
    harmed = list(bench.mishaps(workload, seed, BACK_OFF)) if mishaps else []
    ours = [r for side, r in launched if side == "hot" and r.remedy == BACK_OFF]
    regrets = " ".join(f"{r.what}:{r.regret:.3f}" for r in ours)
    print(f"{workload.key:28s} seed {seed}  {regrets}", flush=True)
    return launched, harmed


def main() -> None:
    """Run the benchmark, or as much of it as was not run before."""
    chosen = arguments()
    os.environ["LRWATCH_STRICT"] = "1"
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    workloads = SETS["all" if chosen.full else chosen.workloads]
    if chosen.only:
        workloads = tuple(w for w in (*TRAINED, *THIRD) if w.key in chosen.only)
    remedies = (BACK_OFF, *PEERS) if chosen.peers else (BACK_OFF,)
    bench = Bench(Store(chosen.runs))
    launched: list[Launched] = []
    harmed: list[Result] = []
    for seed in range(3) if chosen.full else chosen.seeds:
        for workload in workloads:
            found = measure(bench, workload, seed, remedies, mishaps=not chosen.no_mishaps)
            launched += found[0]
            harmed += found[1]
    print("\nnot rescued:", *failures(launched, BACK_OFF), sep="\n  ")
    print("", *launch_rows(launched, remedies), sep="\n")
    if harmed:
        print("", *mishap_rows(harmed, BACK_OFF), sep="\n")
    if chosen.picture:
        draw(launched, chosen.picture)
        print(f"\npicture: {chosen.picture}")


if __name__ == "__main__":
    main()
