"""The numbers that thresholds are chosen from: ``python -m tests.benchmarks.shapes --out F.csv``.

Feeds every run of the sweep to a watcher and writes its shape at each review, beside what the run
is in truth and what the watcher held it for then: one line a review. It prints the spread of each
number by truth. A threshold of ``lr_too_high`` or ``lr_too_low`` is right where it parts these.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from lrwatch.stats.shape import shape
from lrwatch.stats.signals import Signals
from lrwatch.watcher import Watcher
from tests.benchmarks import judge
from tests.benchmarks.truth import LabelledRun, load
from tests.benchmarks.verdicts import FOLDER, SURROGATE, own_runs

SHARES = (0.05, 0.5, 0.95)


def reviews(run: LabelledRun) -> Iterator[dict[str, Any]]:
    """One line for each look that the detectors take at the run as a whole."""
    signals, watcher = Signals(), Watcher()
    for step in judge.steps(run.rows):
        watcher.update(step)
        signals.update(step)
        signals.learn()
        seen = shape(signals) if signals.review else None
        if seen is not None:
            o = run.outcome
            of = {"name": o.name, "seed": o.seed, "mult": o.mult, "truth": run.truth}
            yield of | {"n": signals.n, "held_for": watcher.verdict} | asdict(seen)


def table(runs: Sequence[LabelledRun]) -> pd.DataFrame:
    """All reviews of all runs whose truth is known."""
    known = [r for r in runs if r.truth is not None and r.outcome.name not in SURROGATE]
    return pd.DataFrame([line for run in known for line in reviews(run)])


def spread(lines: pd.DataFrame, after: int) -> pd.DataFrame:
    """Quantiles of each number by truth, at the first review after so many losses."""
    late = lines[lines.n >= after].groupby(["name", "seed", "mult"]).first()
    numbers = late.drop(columns=["n", "held_for"]).groupby("truth")
    return numbers.quantile(list(SHARES)).T


def main() -> None:
    """Parse the command line, write the lines, print the spread."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, help="look at this sweep folder")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="0 1 2")
    parser.add_argument("--after", type=int, default=200, help="losses before the printed review")
    parser.add_argument("--out", type=Path, default=FOLDER / "shapes.csv", help="file to write")
    chosen = parser.parse_args()
    runs = load(chosen.corpus) if chosen.corpus else own_runs(chosen.seeds)
    lines = table(runs)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    lines.to_csv(chosen.out, index=False)
    print(f"{len(lines)} reviews written to {chosen.out}; after {chosen.after} losses:\n")
    with pd.option_context("display.width", 160, "display.float_format", "{:.2f}".format):
        print(spread(lines, chosen.after).to_string())


if __name__ == "__main__":
    main()
