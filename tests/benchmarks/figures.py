"""The figures of a judge over labelled runs: confusion, accusations, wrong sides, delays."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lrwatch.records import Side, Verdict
from tests.benchmarks.judge import Judgement
from tests.benchmarks.truth import TRUTHS, LabelledRun, Truth

Judged = Sequence[tuple[LabelledRun, Judgement]]
Confusion = Mapping[tuple[Truth, Truth], int]
SIDES: tuple[Side, ...] = ("too_high", "too_low")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How good a judge is; runs between healthy and wrong are not scored.

    Attributes:
        confusion: Runs by truth and by the side of their first accusation.
        macro_f1: Mean F1 of the three verdicts, from ``confusion``.
        final_f1: The same from the verdicts at the end of the runs.
        n_healthy: Healthy runs.
        accused: Healthy runs with a side named, in an alert of whatever severity.
        alarmed: Healthy runs with any alert of warning or critical.
        n_wrong: Runs with a rate too high or too low.
        wrong_side: Those of them for which the other side was named first.
        delay: By side, the share of the run after which half of its runs are named;
            infinite where fewer than half are.
    """

    confusion: Confusion
    macro_f1: float
    final_f1: float
    n_healthy: int
    accused: int
    alarmed: int
    n_wrong: int
    wrong_side: int
    delay: Mapping[Side, float]


def macro_f1(confusion: Confusion) -> float:
    """Mean over the three classes of 2 tp / (called + true); a class without runs counts 0."""
    scores = []
    for one in TRUTHS:
        called = sum(confusion.get((other, one), 0) for other in TRUTHS)
        true = sum(confusion.get((one, other), 0) for other in TRUTHS)
        scores.append(2 * confusion.get((one, one), 0) / max(called + true, 1))
    return sum(scores) / len(scores)


def as_truth(verdict: Verdict) -> Truth:
    """The verdict as one of three: an undecided run stands as healthy."""
    return "healthy" if verdict == "undecided" else verdict


def figures(judged: Judged) -> Figures:
    """All figures of a judge."""
    scored = [(run, run.truth, said) for run, said in judged if run.truth is not None]
    confusion = Counter((truth, as_truth(said.verdict)) for _, truth, said in scored)
    final = Counter((truth, as_truth(said.final)) for _, truth, said in scored)
    healthy = [said for _, truth, said in scored if truth == "healthy"]
    wrong = [(truth, said.verdict) for _, truth, said in scored if truth != "healthy"]
    return Figures(
        confusion=confusion,
        macro_f1=macro_f1(confusion),
        final_f1=macro_f1(final),
        n_healthy=len(healthy),
        accused=sum(bool(said.first) for said in healthy),
        alarmed=sum(bool(said.alarms) for said in healthy),
        n_wrong=len(wrong),
        wrong_side=sum(said not in ("healthy", truth) for truth, said in wrong),
        delay={side: _delay(judged, side) for side in SIDES},
    )


def _delay(judged: Judged, side: Side) -> float:
    shares = sorted(
        said.first.get(side, math.inf) / run.n_steps for run, said in judged if run.truth == side
    )
    return shares[(len(shares) - 1) // 2] if shares else math.nan
