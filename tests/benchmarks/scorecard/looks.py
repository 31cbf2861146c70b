"""The looks that a scorecard is fitted to: the shape of each run at every review of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from lrwatch.detectors.scorecard import NUMBERS
from lrwatch.records import Step
from lrwatch.stats.shape import shape
from lrwatch.stats.signals import Signals
from tests.benchmarks.truth import LabelledRun, Rows

FIRST_LOOK = 100


def whole(rows: Rows) -> Rows:
    """Every step."""
    return rows


def thinned(rows: Rows) -> Rows:
    """Every third step, as a log that is not written at each."""
    return rows[::3]


def averaged(rows: Rows) -> Rows:
    """The mean loss of four steps with the norm of the last, as trainers log."""
    four = rows[: len(rows) // 4 * 4].reshape(-1, 4, rows.shape[1])
    kept = four[:, -1].copy()
    kept[:, 0] = four[:, :, 0].mean(axis=1)
    return kept


def few_norms(rows: Rows) -> Rows:
    """The gradient norm at every fourth step only, as it is taken on short steps."""
    kept = rows.copy()
    kept[np.arange(len(kept)) % 4 != 0, 1] = np.nan
    return kept


VIEWS: dict[str, Callable[[Rows], Rows]] = {
    view.__name__: view for view in (whole, thinned, averaged, few_norms)
}


def looks(run: LabelledRun, view: str) -> Iterator[dict[str, Any]]:
    """One line for each review of a run from its hundredth loss on, and for its end."""
    signals = Signals()
    rows = VIEWS[view](run.rows)
    o = run.outcome
    of = {"name": o.name, "seed": o.seed, "mult": o.mult, "view": view, "truth": run.truth}
    for number, (loss, norm, lr, *_) in enumerate(rows.tolist()):
        known = None if view == "few_norms" and norm != norm else norm
        signals.update(Step(step=number, loss=loss, grad_norm=known, lr=lr))
        signals.learn()
        end = number == len(rows) - 1
        if signals.n < FIRST_LOOK or not (signals.review or end) or signals.loss != signals.loss:
            continue
        seen = shape(signals)
        if seen is not None:
            numbers = {name: asdict(seen)[name] for name in (*NUMBERS, "rate_now")}
            share = signals.n / len(VIEWS[view](run.rows)) * len(run.rows) / run.n_steps
            early = signals.lr_rising_n > 0.5 * signals.n
            yield of | numbers | {"n": signals.n, "share": share, "end": end, "warm_up": early}


def table(runs: Sequence[LabelledRun], views: Sequence[str] = tuple(VIEWS)) -> pd.DataFrame:
    """All looks at all runs whose truth is known, in the order of views, runs and steps."""
    known = [run for run in runs if run.truth is not None]
    return pd.DataFrame([line for view in views for run in known for line in looks(run, view)])
