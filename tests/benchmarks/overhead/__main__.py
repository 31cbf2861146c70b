"""What watching costs beside other trackers: ``python -m tests.benchmarks.overhead [--rounds N]``.

Every way of watching trains the same model in a process of its own; the processes take turns, in an
order shuffled anew for each round, and one that waits does nothing. Medians of the rounds, in us a
step of processor time: on the training thread, in threads, in child processes. The trackers are
told a gradient norm that is made up; lrwatch takes its own, and that is in a column of its own.

Cockpit 1.0.2 is not among them: it wants the model and backward() in BackPACK's form. Tried apart,
it still runs with PyTorch 2.13, given setuptools < 80: 37 ms a step at its economy setting, of a
dense net whose own step takes 0.6 ms.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.overhead.loops import WATCHED, WORKLOADS
from tests.benchmarks.overhead.trackers import TRACKERS

ROOT = Path(__file__).parents[3]
NOTHING = "nothing"
Stretches = list[dict[str, float]]


class Process:
    """A worker; ``stretches`` are what it measured, without the first, which is to warm up.

    Args:
        way: How it is watched.
        size: Which workload, by name.
        errors: Takes what it writes to stderr.
    """

    def __init__(self, way: str, size: str, errors: Path) -> None:
        self._stderr = errors.open("w")
        command = [sys.executable, "-m", "tests.benchmarks.overhead.worker", way, size]
        self._worker = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            cwd=ROOT,
        )
        self.stretches: Stretches = []
        self.is_there = bool(self.turn())
        self.stretches.clear()

    def turn(self) -> bool:
        """Let it train; False where it has ended."""
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        try:
            self._worker.stdin.write("\n")
            self._worker.stdin.flush()
        except OSError:
            return False
        line = self._worker.stdout.readline()
        if line:
            self.stretches.append(json.loads(line))
        return bool(line)

    def end(self) -> None:
        """Close it."""
        assert self._worker.stdin is not None
        try:
            self._worker.stdin.close()
            self._worker.wait(60)
        except (OSError, subprocess.TimeoutExpired):
            self._worker.kill()
        self._stderr.close()


def measured(size: str, n_rounds: int, folder: Path) -> dict[str, Stretches]:
    """The stretches of every way that can be had here."""
    ways = [NOTHING, *WATCHED, *TRACKERS]
    workers = {way: Process(way, size, folder / f"{size}-{i}.err") for i, way in enumerate(ways)}
    for way, worker in workers.items():
        if not worker.is_there:
            print(f"{way} is left out: not installed, or it failed; see {folder}")
    rng, there = random.Random(0), [worker for worker in workers.values() if worker.is_there]
    for _ in range(n_rounds):
        rng.shuffle(there)
        for worker in there:
            worker.turn()
    for worker in workers.values():
        worker.end()
    return {way: worker.stretches for way, worker in workers.items() if worker.is_there}


def per_step_us(stretches: Stretches, name: str) -> float:
    """The median of the rounds, of a part of the cost."""
    return statistics.median(1e6 * s[name] / s["n"] for s in stretches)


def table(found: dict[str, Stretches]) -> list[str]:
    """One line a way."""
    step_us = per_step_us(found[NOTHING], "step")
    wall_us = per_step_us(found[NOTHING], "wall")
    idle_us = per_step_us(found[NOTHING], "threads")
    memory = found[NOTHING][-1]["memory"]
    own = 0.0
    lines = [
        f"step {step_us / 1000:.2f} ms of processor time",
        f"{'':<20}{'hook':>8}{'norm':>8}{'threads':>9}{'children':>9}{'all':>9}{'% of step':>10}"
        f"{'/ lrwatch':>10}{'wall':>7}{'MB':>6}",
    ]
    for way, stretches in found.items():
        hook, norm, threads, children, wall = (
            per_step_us(stretches, part) for part in ("hook", "norm", "threads", "children", "wall")
        )
        threads = max(threads - idle_us, 0.0)
        logged = hook + threads + children
        own = logged if way == "lrwatch" else own
        lines.append(
            f"{way:<20}{hook:8.1f}{norm:8.1f}{threads:9.1f}{children:9.1f}{logged + norm:9.1f}"
            f"{100 * (logged + norm) / step_us:10.2f}{logged / own if own else 0:10.1f}"
            f"{wall / wall_us:7.2f}{stretches[-1]['memory'] - memory:6.0f}"
        )
    return lines


def main() -> None:
    """Print a table a size of step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--sizes", nargs="*", default=list(WORKLOADS), choices=list(WORKLOADS))
    options = parser.parse_args()
    folder = ROOT / ".bench" / "overhead"
    folder.mkdir(parents=True, exist_ok=True)
    for size in options.sizes:
        print("\n".join(table(measured(size, options.rounds, folder))), "\n", sep="", flush=True)


if __name__ == "__main__":
    main()
