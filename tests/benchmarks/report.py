"""Figures as tables for a terminal, and as JSON."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from lrwatch.records import plain
from tests.benchmarks.figures import Figures, Judged, as_truth, figures
from tests.benchmarks.truth import TRUTHS, LabelledRun

SIGNS = {"too_high": "H", "healthy": "o", "too_low": "c", None: "."}


def confusion_table(found: Figures) -> str:
    """Truth down, verdict across."""
    lines = [f"{'truth / called':16s}" + "".join(f"{called:>10s}" for called in TRUTHS)]
    for truth in TRUTHS:
        counts = (found.confusion.get((truth, called), 0) for called in TRUTHS)
        lines.append(f"{truth:16s}" + "".join(f"{count:10d}" for count in counts))
    return "\n".join(lines)


def figure_line(name: str, found: Figures) -> str:
    """All figures of one judge in one line."""
    high, low = share(found.delay["too_high"]), share(found.delay["too_low"])
    return (
        f"{name:28s} macro-F1 {found.macro_f1:.3f} (at the end {found.final_f1:.3f})"
        f" | healthy {found.n_healthy:3d}: accused {found.accused:3d}, alarmed {found.alarmed:3d}"
        f" | wrong side {found.wrong_side:3d} of {found.n_wrong:<3d}"
        f" | half named within: too high {high}, too low {low}"
    )


def share(delay: float) -> str:
    """A delay as a share of the run, for people."""
    return f"{100 * delay:.1f} %" if math.isfinite(delay) else "never"


def groups(judged: Judged, by: Callable[[LabelledRun], str]) -> dict[str, Judged]:
    """The runs by a name of theirs, in the order of first appearance."""
    found: dict[str, list[Any]] = defaultdict(list)
    for run, said in judged:
        found[by(run)].append((run, said))
    return dict(found)


def optimizer(run: LabelledRun) -> str:
    """Name of the optimizer of a run."""
    return run.outcome.name.rpartition("/")[2]


def workload(run: LabelledRun) -> str:
    """Name and seed of a sweep over rates."""
    return f"{run.outcome.name} {run.outcome.seed}"


def failures(judged: Judged) -> Iterator[str]:
    """For each workload with a wrong verdict: truth and verdicts over the rates, lowest first."""
    for name, group in groups(judged, workload).items():
        truths = "".join(SIGNS[run.truth] for run, _ in group)
        called = "".join(SIGNS[as_truth(said.verdict)] for _, said in group)
        wrong = "".join(
            "^" if run.truth not in (None, as_truth(said.verdict)) else " " for run, said in group
        )
        if wrong.strip():
            yield f"{name:32s} truth  {truths}\n{'':32s} called {called}\n{'':32s}        {wrong}"


def text(name: str, judged: Judged) -> str:
    """The whole report about one judge."""
    parts = [confusion_table(figures(judged)), figure_line(name, figures(judged))]
    parts += ["", "By optimizer:"]
    parts += [figure_line(n, figures(g)) for n, g in groups(judged, optimizer).items()]
    parts += [
        "",
        "Workloads with a wrong verdict (H too high, o healthy, c too low, . not scored):",
    ]
    return "\n".join([*parts, *failures(judged)])


def as_json(found: Figures) -> dict[str, Any]:
    """The figures as strict JSON can hold them."""
    kept = {name: getattr(found, name) for name in found.__slots__ if name != "confusion"}
    kept["confusion"] = {f"{a} as {b}": count for (a, b), count in sorted(found.confusion.items())}
    shown: dict[str, Any] = plain(kept)
    return shown
