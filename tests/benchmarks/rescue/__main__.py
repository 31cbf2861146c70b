"""Measure the back-off: ``python -m tests.benchmarks.rescue [--full]``."""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from tests.benchmarks.rescue.mishaps import MISHAPS
from tests.benchmarks.rescue.remedies import REMEDIES, BackOff
from tests.benchmarks.rescue.runs import Ended, best_rate, train
from tests.benchmarks.sweep.workload import Workload
from tests.benchmarks.sweep.workloads import WORKLOADS

TOO_HOT = (3.1623, 10.0, 31.623, 100.0, 1000.0)
REDUCED_TOO_HOT = (10.0, 100.0)
REDUCED = (
    "glyph_mlp/sgd",
    "friedman_mlp/momentum",
    "deep_tanh/momentum",
    "spiral_mlp/rmsprop",
    "sets/adam",
    "shape_autoencoder/adam",
    "teacher_mlp_cosine/adamw",
    "waves_gru_cycle/adam",
)
HEALTHY, HARM, NEAR = 0.05, 0.01, 0.02


@dataclass(slots=True)
class Tally:
    """What one remedy made of all runs."""

    hot: list[bool] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    harm: list[float] = field(default_factory=list)


def launches(
    workload: Workload, seed: int, hot: Sequence[float], tallies: dict[str, Tally]
) -> tuple[float, Ended]:
    """Launch too hot, and at healthy rates, under every remedy."""
    best, bare = best_rate(workload, seed)
    level = bare[best].final
    for name, make in REMEDIES.items():
        tally = tallies[name]
        for factor in hot:
            alone = bare.get(best * factor) or train(workload, seed, best * factor)
            if alone.regret(level) <= HEALTHY:
                continue
            run = alone if name == "nothing" else train(workload, seed, best * factor, make)
            tally.hot.append(run.regret(level) <= HEALTHY)
            tally.lost.append(run.lost)
            bare[best * factor] = alone
        for rate, alone in list(bare.items()):
            if rate <= best and alone.regret(level) <= HEALTHY:
                run = train(workload, seed, rate, make)
                tally.harm.append(run.regret(level) - alone.regret(level))
    return best, bare[best]


def mishaps(
    workload: Workload, seed: int, best: float, unharmed: Ended, found: dict[str, list[float]]
) -> None:
    """Harm the run of the best rate midway, with back-off and without."""
    for name, make in MISHAPS.items():
        at = int(0.4 * workload.n_steps)
        for remedy in ("nothing", "lrwatch back-off"):
            run = train(workload, seed, best, REMEDIES[remedy], make(at))
            found[f"{name} / {remedy}"].append(run.regret(unharmed.final))
            if remedy != "nothing":
                found[f"{name} / relative"].append(run.final / unharmed.final - 1)


def show(tallies: dict[str, Tally], found: dict[str, list[float]]) -> None:
    """Print both tables."""
    print(f"{'remedy':22s} {'rescued':>10s} {'lost, median':>13s} {'healthy, harmed':>16s} worst")
    for name, tally in tallies.items():
        rescued = f"{sum(tally.hot)}/{len(tally.hot)}"
        lost = 100 * statistics.median(tally.lost or [0.0])
        harmed = f"{sum(not h <= HARM for h in tally.harm)}/{len(tally.harm)}"
        worst = max(tally.harm, default=0.0)
        print(f"{name:22s} {rescued:>10s} {lost:>11.1f} % {harmed:>16s} {worst:.3f}")
    print("\nmishap at 0.4 of the run      within 0.02 of regret: bare, back-off; within 2 %")
    for name in MISHAPS:
        bare, ours = found[f"{name} / nothing"], found[f"{name} / {BACK_OFF}"]
        near = [sum(x <= NEAR for x in runs) for runs in (bare, ours, found[f"{name} / relative"])]
        print(f"{name:28s} {near[0]:3d} {near[1]:8d} {near[2]:8d}  of {len(ours)}")


BACK_OFF = next(name for name, make in REMEDIES.items() if make is BackOff)


def main() -> None:
    """Run the reduced or the full benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="all workloads, rates and 3 seeds")
    parser.add_argument("--only", nargs="+", help="names such as glyph_mlp/sgd")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    names = chosen.only or (None if chosen.full else REDUCED)
    workloads = [w for w in WORKLOADS if not w.surrogate and (not names or w.key in names)]
    tallies, found = {name: Tally() for name in REMEDIES}, defaultdict[str, list[float]](list)
    for seed in range(3 if chosen.full else 1):
        for workload in workloads:
            started = time.perf_counter()
            hot = TOO_HOT if chosen.full else REDUCED_TOO_HOT
            best, unharmed = launches(workload, seed, hot, tallies)
            mishaps(workload, seed, best, unharmed, found)
            print(f"{workload.key} seed {seed}: {time.perf_counter() - started:.0f} s", flush=True)
    show(tallies, found)


if __name__ == "__main__":
    main()
