"""How often the verdict is right: ``python -m tests.benchmarks.verdicts``.

Makes the project's own sweep and the runs with faults where they are not there yet (about 8
minutes a seed on one core), lets a watcher judge every run, and prints the figures.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import advised, judge, report
from tests.benchmarks.faults import __main__ as faults
from tests.benchmarks.faults import score as fault_score
from tests.benchmarks.faults import store as fault_store
from tests.benchmarks.figures import Judged, figures
from tests.benchmarks.sweep.__main__ import sweep
from tests.benchmarks.sweep.workloads import WORKLOADS
from tests.benchmarks.truth import LabelledRun, load

FOLDER = Path(".bench")
SURROGATE = {w.key for w in WORKLOADS if w.surrogate}


def judged(runs: Sequence[LabelledRun], by: judge.Judge) -> Judged:
    """Every run with what this judge says about it."""
    return [(run, by(run.rows)) for run in runs]


def own_runs(seeds: Sequence[int]) -> list[LabelledRun]:
    """The project's own sweep, made where it is missing."""
    sweep(FOLDER / "sweep", WORKLOADS, seeds)
    return load(FOLDER / "sweep", seeds)


def own_faults(seeds: Sequence[int], within: int) -> dict[str, fault_score.FaultScore]:
    """What the watcher says about the runs with faults, made where they are missing."""
    chosen = [w for w in WORKLOADS if w.key in faults.CHOSEN]
    folder = FOLDER / "faults"
    faults.make(folder, chosen, seeds)
    said = (
        (case, judge.watcher(fault_store.rows(folder, case)))
        for case in fault_store.cases(folder)
        if case.seed in seeds
    )
    return fault_score.score(said, within)


def show(runs: Sequence[LabelledRun], rules: dict[str, judge.Judge]) -> None:
    """Print the report on lrwatch, and a line for each peer."""
    plain = [run for run in runs if run.outcome.name not in SURROGATE]
    counts = ", ".join(
        f"{sum(r.truth == t for r in plain)} {t or 'not scored'}" for t in report.SIGNS
    )
    print(f"{len(plain)} runs by truth: {counts}\n")
    print(report.text("lrwatch", judged(plain, judge.watcher)))
    print("\nRates that the first accusations advise, where the sweep has a run at such a rate:")
    print(*advised.lines(judged(plain, judge.watcher)), sep="\n")
    print("\nWith the gradient norm at few steps after the 256th, as where steps are short:")
    print(report.figure_line("lrwatch", figures(judged(plain, judge.short_steps))))
    print("\nFrom a log, which has loss, norm and rate:")
    print(report.figure_line("lrwatch", figures(judged(plain, judge.log))))
    print("\nTold how long the run will be (total_steps):")
    print(report.figure_line("lrwatch", figures(judged(plain, judge.told_length))))
    if rules:
        print("\nRules of other systems on the same runs:")
    for name, rule in rules.items():
        print(report.figure_line(name, figures(judged(plain, rule))), flush=True)
    rest = [run for run in runs if run.outcome.name in SURROGATE]
    if rest:
        print("\nRuns that train on a surrogate for what they are for (policy gradient, GAN):")
        print(report.text("lrwatch", judged(rest, judge.watcher)))
        print(report.text("lrwatch, told so (surrogate=True)", judged(rest, judge.surrogate)))


def as_json(runs: Sequence[LabelledRun], rules: dict[str, judge.Judge]) -> dict[str, Any]:
    """The figures of lrwatch and of the peers, surrogate runs left out."""
    plain = [run for run in runs if run.outcome.name not in SURROGATE]
    judges = {"lrwatch": judge.watcher, **rules}
    return {name: report.as_json(figures(judged(plain, by))) for name, by in judges.items()}


def main() -> None:
    """Parse the command line and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, help="judge this sweep folder and no faults")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="0 1 2")
    parser.add_argument("--peers", type=Path, default=Path(), help="folder with peer_rules.py")
    parser.add_argument("--within", type=int, default=100, help="steps to find a fault in: 100")
    parser.add_argument("--json", action="store_true", help="only the verdicts, as JSON")
    chosen = parser.parse_args()
    rules = judge.peers(chosen.peers)
    runs = load(chosen.corpus) if chosen.corpus else own_runs(chosen.seeds)
    if chosen.json:
        print(json.dumps(as_json(runs, rules)))
        return
    show(runs, rules)
    if not chosen.corpus:
        print("\nFaults put into healthy runs, found by an alert of warning or critical:")
        for kind, found in own_faults(chosen.seeds, chosen.within).items():
            print(fault_score.line(kind, found, chosen.within))


if __name__ == "__main__":
    main()
