"""How fast old runs are judged: ``python -m tests.benchmarks.scan_speed``.

From event files to verdicts, in steps a second: reading alone, with every verdict on one core, and
in two processes. Wall time needs a machine that does nothing else; processor time does not.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from lrwatch.readers.reading import read
from lrwatch.reviewing.scan import scan
from lrwatch.reviewing.summary import summarise
from tests.benchmarks.read_events import N_STEPS_MANY, many


def timed(
    name: str, n_steps: int, work: Callable[[], object], *, in_this_process: bool = True
) -> float:
    """Do the work, print what it took, return its wall time in seconds."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    work()
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    own = f"{cpu_s:>8.2f}{n_steps / cpu_s:>13,.0f}" if in_this_process else ""
    print(f"{name:<22}{wall_s:>8.2f}{n_steps / wall_s:>14,.0f}{own}", flush=True)
    return wall_s


def read_all(runs: list[Path]) -> None:
    """Read the Steps of every run."""
    for run in runs:
        for _ in read(run):
            pass


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60, help="how many runs (default 60)")
    runs = many(parser.parse_args().runs)
    n_steps = N_STEPS_MANY * len(runs)
    summarise(runs[0], {})
    print(f"{len(runs)} runs, {n_steps:,} steps, 3 tags")
    print(f"{'':<22}{'wall s':>8}{'steps/wall s':>14}{'cpu s':>8}{'steps/cpu s':>13}")
    timed("read", n_steps, lambda: read_all(runs))
    names = [str(run) for run in runs]
    one = timed("scan, one process", n_steps, lambda: list(scan(names, {}, n_jobs=1)))
    two = timed(
        "scan, two processes",
        n_steps,
        lambda: list(scan(names, {}, n_jobs=2)),
        in_this_process=False,
    )
    print(f"two processes are {one / two:.2f} times as fast as one")


if __name__ == "__main__":
    main()
