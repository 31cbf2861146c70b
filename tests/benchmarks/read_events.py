"""Reading event files beside TensorBoard: ``python -m tests.benchmarks.read_events``.

One file of a million scalars, and many runs of twenty thousand. Each reader works in a process of
its own, one after the other; processor time and the growth of peak memory are counted from after
the imports. Every checksum is checked by both.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.event_logs import make

FOLDER = Path(".bench/events")
N_STEPS = 333_333
N_STEPS_MANY = 6_667
N_DISTINCT = 4


def ours() -> Callable[[Path], int]:
    """Columns of numbers, by lrwatch."""
    from lrwatch.readers.events.events import Tags, read_scalars
    from lrwatch.readers.events.framing import Health
    from lrwatch.readers.folders import event_files

    return lambda run: len(read_scalars(event_files(run), Tags(), Health()))


def ours_as_steps() -> Callable[[Path], int]:
    """Steps, by lrwatch."""
    from lrwatch.readers.events import event_steps
    from lrwatch.readers.reading import read

    assert event_steps
    return lambda run: sum(
        (s.loss is not None) + (s.grad_norm is not None) + (s.lr is not None) for s in read(run)
    )


def ours_judged() -> Callable[[Path], int]:
    """Steps and a verdict on them, by lrwatch."""
    from lrwatch.readers.events import event_steps
    from lrwatch.reviewing.summary import summarise

    assert event_steps
    return lambda run: 3 * summarise(run, {}).n_steps


def theirs() -> Callable[[Path], int]:
    """Lists of events, by TensorBoard's EventAccumulator."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def count(run: Path) -> int:
        accumulator = EventAccumulator(str(run), size_guidance={"scalars": 0})
        accumulator.Reload()
        return sum(len(accumulator.Scalars(tag)) for tag in accumulator.Tags()["scalars"])

    return count


READERS = {
    "lrwatch": ours,
    "lrwatch, Steps": ours_as_steps,
    "lrwatch, verdicts": ours_judged,
    "EventAccumulator": theirs,
}


def child(reader: str, runs: Sequence[Path]) -> None:
    """Read the runs; print what it took as JSON."""
    count = READERS[reader]()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start_s = time.process_time()
    n_scalars = sum(count(run) for run in runs)
    cpu_s = time.process_time() - start_s
    growth_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    print(json.dumps({"n": n_scalars, "cpu_s": cpu_s, "mib": growth_kib / 1024}))


def measured(reader: str, runs: Sequence[Path]) -> dict[str, float]:
    """What it takes a fresh process to read the runs."""
    command = [sys.executable, "-m", __spec__.name, "--child", reader, *map(str, runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def compare(title: str, runs: Sequence[Path]) -> None:
    """Print one line for every reader."""
    print(
        f"{title}\n  {'reader':<18}{'scalars':>10}{'cpu s':>9}{'us each':>9}{'MiB':>7}{'times':>8}"
    )
    rows = {reader: measured(reader, runs) for reader in READERS}
    for reader, row in rows.items():
        times = rows["EventAccumulator"]["cpu_s"] / row["cpu_s"]
        each = 1e6 * row["cpu_s"] / row["n"]
        print(
            f"  {reader:<18}{row['n']:>10,.0f}{row['cpu_s']:>9.2f}{each:>9.2f}"
            f"{row['mib']:>7.0f}{times:>8.1f}",
            flush=True,
        )


def many(n_runs: int) -> list[Path]:
    """Folders of runs; every ``N_DISTINCT``-th has the same numbers."""
    sources = [
        make(FOLDER / f"source-{i}" / "events.out.tfevents.1", N_STEPS_MANY, i)
        for i in range(N_DISTINCT)
    ]
    runs = [FOLDER / f"many/run-{i:04}" for i in range(n_runs)]
    for i, run in enumerate(runs):
        run.mkdir(parents=True, exist_ok=True)
        link = run / "events.out.tfevents.1"
        if not link.exists():
            link.hardlink_to(sources[i % N_DISTINCT])
    return runs


def main() -> None:
    """Make the files where they are not there, then read them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="how many runs (default 200)")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child[0], [Path(run) for run in arguments.child[1:]])
        return
    one = make(FOLDER / "one/events.out.tfevents.1", N_STEPS, 0)
    compare(f"One file of {one.stat().st_size / 1e6:.1f} MB", [one.parent])
    compare(f"{arguments.runs} runs of 20,000 scalars", many(arguments.runs))


if __name__ == "__main__":
    main()
