"""What a run of a sweep *is*, from its final loss against that of the best rate."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.sweep.store import Outcome, outcomes, rows_path

Rows = NDArray[np.float64]
Truth = Literal["too_high", "healthy", "too_low"]
TRUTHS: tuple[Truth, ...] = ("too_high", "healthy", "too_low")

HEALTHY_REGRET = 0.05
BAD_REGRET = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRun:
    """A run with its truth.

    Attributes:
        outcome: Which run it is.
        rows: Loss, gradient norm and rate per step, [steps, 3]; with the drift, where the sweep has
            it, [steps, 4].
        regret: Final loss over the best rate's, as a share of what the best rate gained.
        truth: What the rate was, None between the two limits.
        n_steps: Steps of the longest run beside it: this one may have stopped early.
    """

    outcome: Outcome
    rows: Rows
    regret: float
    truth: Truth | None
    n_steps: int


def regret(outcome: Outcome, best: Outcome, *, finite: bool) -> float:
    """Share of the best gain that this run missed; infinite for one that was ever non-finite."""
    if not finite or not math.isfinite(outcome.final):
        return math.inf
    return (outcome.final - best.final) / (outcome.initial - best.final)


def truth(missed: float, lr: float, best_lr: float) -> Truth | None:
    """Healthy up to 0.05 of regret, wrong beyond 0.2, to the side of the best rate it lies on."""
    if missed <= HEALTHY_REGRET:
        return "healthy"
    if missed <= BAD_REGRET:
        return None
    return "too_high" if lr > best_lr else "too_low"


def label(group: Sequence[tuple[Outcome, Rows]]) -> list[LabelledRun]:
    """The runs of one workload and seed, over all rates, by rising rate."""
    best = min((o for o, _ in group if math.isfinite(o.final)), key=lambda o: (o.final, o.lr))
    n_steps = max(len(rows) for _, rows in group)
    runs = []
    for outcome, rows in sorted(group, key=lambda pair: pair[0].lr):
        missed = regret(outcome, best, finite=bool(np.isfinite(rows[:, :3]).all()))
        said = truth(missed, outcome.lr, best.lr)
        runs.append(LabelledRun(outcome, rows, missed, said, n_steps))
    return runs


def load(folder: Path, seeds: Iterable[int] | None = None) -> list[LabelledRun]:
    """All runs of a sweep folder, workload by workload; only these seeds, if any are named."""
    groups: dict[tuple[str, int], list[tuple[Outcome, Rows]]] = defaultdict(list)
    wanted = None if seeds is None else set(seeds)
    for outcome in outcomes(folder):
        if wanted is None or outcome.seed in wanted:
            path = rows_path(folder, outcome.name, outcome.seed, outcome.mult)
            with np.load(path) as kept:
                rows = kept["rows"]
                if "drift" in kept:
                    rows = np.column_stack((rows, kept["drift"]))
                groups[outcome.name, outcome.seed].append((outcome, rows))
    return [run for group in groups.values() for run in label(group)]
