import numpy as np
import pandas as pd
import pytest

from lrwatch.detectors.scorecard import NUMBERS
from tests.benchmarks.scorecard.__main__ import figures, folds, held_out, probabilities, source
from tests.benchmarks.scorecard.fit import fit

# What small steps could have made, though something has moved: there the card decides.
MOVED = {"norm_level": 1.0, "norm_now": 0.0}


def made(n_workloads: int = 20, runs: int = 8, looks: int = 6) -> pd.DataFrame:
    """Looks at runs whose gain alone says whether the rate is too low."""
    rng = np.random.default_rng(0)
    lines = []
    for workload in range(n_workloads):
        for mult in range(runs):
            low = mult < runs // 2
            for n in range(looks):
                numbers = dict(zip(NUMBERS, rng.normal(size=len(NUMBERS)), strict=True))
                numbers["gain"] = rng.normal() + (0.0 if low else 8.0)
                truth = "too_low" if low else "healthy"
                of = {"name": f"w{workload}/sgd", "seed": 0, "mult": mult, "view": "whole"}
                at = {"n": 200 + n, "share": 0.1 * n, "end": n == looks - 1}
                lines.append(
                    of | numbers | at | {"rate_now": 1.0, "warm_up": False, "truth": truth}
                )
    return pd.DataFrame(lines)


def test_a_card_is_fitted_to_what_parts_the_runs() -> None:
    looks = made()
    given = probabilities(fit(looks), looks)
    assert ((given > 0.5) == (looks.truth == "too_low")).mean() > 0.98


def test_every_workload_is_left_out_once() -> None:
    looks = made()
    left_out = np.stack(list(folds(looks)))
    assert (left_out.sum(axis=0) == 1).all()
    for fold in left_out:
        assert not set(looks.name[fold]) & set(looks.name[~fold])


def test_the_figures_count_runs_named_by_two_looks_in_a_row() -> None:
    looks = made()
    given = held_out(looks)
    looks = looks.assign(**MOVED)
    said = figures(looks, given, 0.8, 130)
    assert "too low named 100.0%" in said
    assert "healthy 0 of 80" in said
    once = np.where(looks.n == 202, 0.99, 0.0)
    assert "too low named   0.0%" in figures(looks, once, 0.8, 130)


def test_the_figures_are_those_of_the_detector_whatever_the_card_says() -> None:
    looks = made().assign(**MOVED)
    sure, never = np.ones(len(looks)), np.zeros(len(looks))
    shrunk = looks.assign(norm_now=-2.0)
    assert "too low named   0.0%" in figures(shrunk, sure, 0.8, 130)
    unmoved = dict.fromkeys(("norm_level", "norm_now", "norm_trend", "trend", "above_first"), 0.0)
    assert "too low named 100.0%" in figures(looks.assign(**unmoved), never, 0.8, 130)


def test_a_written_card_is_the_card() -> None:
    looks = made()
    card = fit(looks)
    written: dict[str, object] = {}
    exec(source(card, 160), written)  # the module as it would be imported
    assert written["TOO_LOW"] == card


@pytest.mark.parametrize("above", [0.5, 0.9])
def test_no_look_before_the_first_that_may_alert_counts(above: float) -> None:
    looks = made()
    assert "too low named   0.0%" in figures(looks, np.ones(len(looks)), above, 10_000)
