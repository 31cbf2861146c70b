"""Labelled logs are read as they are, and their score is exact."""

import math
from pathlib import Path

import pytest

from lrwatch.records import Step
from tests.benchmarks.real_logs import Log, RealScore, load, read_steps, summary


def log(labels: str, onset: int | None = None, selection: str = "random", n: int = 1000) -> Log:
    steps = tuple(Step(step=10 * i, loss=1.0) for i in range(n))
    return Log(labels, tuple(labels.split("|")), onset, selection, steps)


def test_empty_fields_are_absent_and_nan_is_a_value(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text("step,loss,grad_norm,lr\n0,1.5,,0.1\n10.0,nan,inf,\n")
    first, second = read_steps(path)
    assert first == Step(step=0, loss=1.5, lr=0.1)
    assert second.step == 10
    assert second.loss is not None
    assert math.isnan(second.loss)
    assert (second.grad_norm, second.lr) == (math.inf, None)


def test_only_labels_of_high_confidence_are_loaded_with_onset_as_a_point(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    for name in "abc":
        text = "step,loss,grad_norm,lr\n0,1,,\n10,1,,\n20,1,,\n"
        (tmp_path / "runs" / f"{name}.csv").write_text(text)
    index, labels = tmp_path / "index.csv", tmp_path / "labels.csv"
    index.write_text("run_id,selection\na,all\nb,random\nc,random\n")
    labels.write_text(
        "run_id,label,onset_step,confidence,note\n"
        "a,oscillation|divergence,15.0,high,\nb,healthy,,high,\nc,stall,5,low,\n"
    )
    first, second = load(tmp_path / "runs", index, labels)
    assert (first.labels, first.onset, first.selection) == (("oscillation", "divergence"), 2, "all")
    assert (second.labels, second.onset, second.healthy) == (("healthy",), None, True)


def test_healthy_logs_chosen_for_their_curve_do_not_count() -> None:
    score = RealScore()
    score.add(log("healthy"), [5, 6])
    score.add(log("healthy"), [])
    score.add(log("healthy", selection="suspicious"), [5])
    assert (score.n_healthy, score.n_alerts, len(score.accused)) == (2, 2, 1)
    assert summary(score)["alerts_per_10k_points"] == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("points", "early", "caught"),
    [([480], 0, 1), ([479], 1, 0), ([479, 600], 1, 1), ([999], 0, 1), ([], 0, 0)],
)
def test_an_alert_more_than_two_percent_before_the_onset_is_early(
    points: list[int], early: int, caught: int
) -> None:
    score = RealScore()
    score.add(log("stall|divergence", onset=500), points)
    assert len(score.too_early) == early
    assert score.caught == {"stall": [caught, 1], "divergence": [caught, 1]}
    assert len(score.missed) == 1 - caught


def test_delay_is_the_median_over_caught_logs_in_points() -> None:
    score = RealScore()
    for points in ([500], [507], [540], []):
        score.add(log("stall", onset=500), points)
    found = summary(score)
    assert found["median_delay_points"] == 7
    assert found["caught"] == {"stall": "3 of 4"}
