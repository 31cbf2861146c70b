"""What ``lrwatch run`` adds to a step of about 10 ms: ``python -m tests.benchmarks.run_cost``.

A script that trains by a framework is run by ``lrwatch run``, and lrwatch is taken out of its loop
and put back every 24 steps, by chance: the same model in the same memory, watched and not. Two
processes, one watched and one not, would differ by more than what is measured. All is processor
time, in us a step, with its standard error:

inside    within lrwatch's functions, less what the timing costs: what can be told most exactly
step      by how much the watched steps are longer
threads   in lrwatch's own threads
control   by how much bare steps beside other bare ones are longer: what ``step`` cannot resolve

``added`` is ``inside`` and ``threads`` over the time of a step.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.run_cost.stretches import Cost, added

ROOT = Path(__file__).parents[3]
FRAMEWORKS = ("transformers", "lightning")
STEP, INSIDE = range(2)

COLUMNS = (("inside", 13), ("step", 13), ("threads", 8), ("control", 13), ("added", 8))
HEADER = f"{'framework':<13} {'ms':>6} " + " ".join(f"{name:>{n}}" for name, n in COLUMNS)


def measured(framework: str, n_steps: int) -> dict[str, Any]:
    """One run of the script under ``lrwatch run``."""
    with tempfile.TemporaryDirectory() as folder:
        script = ("-m", "tests.benchmarks.run_cost.script", framework, str(n_steps))
        done = subprocess.run(
            [sys.executable, "-m", "lrwatch", "run", "-q", "--run-dir", folder, *script],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(framework: str, found: dict[str, Any]) -> str:
    """One line of the table."""
    rounds, threads_s = found["rounds"], found["threads"]
    step_s = statistics.median(times["bare"][STEP] for times in rounds)
    inside, step, control = (
        added(rounds, kind, clock)
        for kind, clock in (("watched", INSIDE), ("watched", STEP), ("control", STEP))
    )
    share = (inside.mean + threads_s) / step_s
    return (
        f"{framework:<13} {1e3 * step_s:6.2f} {_us(inside)} {_us(step)} {1e6 * threads_s:8.0f} "
        f"{_us(control)} {100 * share:6.2f} %"
    )


def _us(cost: Cost) -> str:
    return f"{1e6 * cost.mean:6.0f} +-{1e6 * cost.error:4.0f}"


def main() -> None:
    """Print one row a framework."""
    description = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--steps", type=int, default=5000)
    options = parser.parse_args()
    print(HEADER)
    for framework in FRAMEWORKS:
        print(row(framework, measured(framework, options.steps)), flush=True)


if __name__ == "__main__":
    main()
