"""The table of shapes has a line for each review, with the truth and what was held of the run."""

import math

import numpy as np

from tests.benchmarks.shapes import reviews, spread, table
from tests.benchmarks.sweep.store import Outcome
from tests.benchmarks.truth import LabelledRun, Truth


def run(name: str, truth: Truth | None, fall: float) -> LabelledRun:
    rng = np.random.default_rng(0)
    n = 400
    losses = 2.0 - fall * np.arange(n) / n + 0.1 * rng.standard_normal(n)
    rows = np.column_stack([losses, np.ones(n), np.full(n, 0.1)])
    outcome = Outcome(name, 0, "1", 0.1, n, 2.0, 2.0 - fall)
    return LabelledRun(outcome, rows, 0.0, truth, n)


def test_there_is_a_line_for_each_review_of_a_run() -> None:
    lines = list(reviews(run("a/sgd", "healthy", 1.0)))
    counts = [line["n"] for line in lines]
    assert counts == sorted(set(counts))
    assert counts[0] < 30
    assert counts[-1] > 350
    assert lines[-1]["truth"] == "healthy"
    assert 8.0 < lines[-1]["gain"] < 12.0
    assert lines[0]["held_for"] == "undecided"


def test_runs_without_a_known_truth_are_left_out() -> None:
    lines = table([run("a/sgd", None, 1.0), run("b/sgd", "too_low", 0.0)])
    assert set(lines.name) == {"b/sgd"}


def test_the_spread_is_of_the_first_review_after_so_many_losses() -> None:
    lines = table([run("a/sgd", "healthy", 4.0), run("b/sgd", "too_low", 0.0)])
    found = spread(lines, 200)
    late = lines[(lines.name == "a/sgd") & (lines.n >= 200)].iloc[0]
    assert math.isclose(found.loc["gain", ("healthy", 0.5)], late.gain)
    assert found.loc["gain", ("too_low", 0.95)] < 3.0
