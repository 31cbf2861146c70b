"""Whether the rates are good that the alerts advise, by runs of the same sweep at such rates."""

import math
from collections import defaultdict
from collections.abc import Iterator

from lrwatch.records import Side
from tests.benchmarks.figures import SIDES, Judged
from tests.benchmarks.truth import LabelledRun

# What is compared with: factors that any handbook names, first and then.
USUAL: dict[Side, tuple[float, float]] = {"too_high": (1 / 3, 1 / 10), "too_low": (3.0, 10.0)}
# Rates of a sweep lie half a decade apart: the one meant is not farther off than this, in decades.
_NEAR = 0.1


def lines(judged: Judged) -> Iterator[str]:
    """For each side, the share of its runs for which each rate to try was healthy, or too far."""
    groups = defaultdict(list)
    for run, _ in judged:
        groups[run.outcome.name, run.outcome.seed].append(run)
    for side in SIDES:
        named = [
            (run, said.to_try, groups[run.outcome.name, run.outcome.seed])
            for run, said in judged
            if run.truth == side == said.verdict and said.to_try
        ]
        told = (
            f"{shares([(run, to_try[which], beside) for run, to_try, beside in named], side)}"
            f" (at {_words(USUAL[side][which])}:"
            f" {shares([(run, USUAL[side][which], beside) for run, _, beside in named], side)})"
            for which in (0, 1)
        )
        yield f"{side:9s} {len(named):4d} runs; the first rate is {', the next '.join(told)}"


def shares(cases: list[tuple[LabelledRun, float, list[LabelledRun]]], side: Side) -> str:
    """How many of the rates, run times factor, are healthy, and how many wrong the other way."""
    found = [_beside(run, factor, runs) for run, factor, runs in cases]
    truths = [run.truth for run in found if run is not None]
    other = SIDES[1 - SIDES.index(side)]
    healthy, past = truths.count("healthy"), truths.count(other)
    n = max(len(truths), 1)
    return f"healthy {100 * healthy / n:.0f} %, {other} {100 * past / n:.0f} % of {len(truths)}"


def _beside(run: LabelledRun, factor: float, runs: list[LabelledRun]) -> LabelledRun | None:
    """The run of the same workload and seed at that rate; None beyond the sweep's last rate."""
    wanted = math.log10(run.outcome.lr * factor)
    near = min(runs, key=lambda other: abs(math.log10(other.outcome.lr) - wanted))
    return near if abs(math.log10(near.outcome.lr) - wanted) < _NEAR else None


def _words(factor: float) -> str:
    return f"{factor:.0f} times" if factor > 1.0 else f"1/{1 / factor:.0f}"
