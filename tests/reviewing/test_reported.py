"""A run that is known by its reports alone: when it counts as lost."""

import math
import pickle
import random

import pytest

from lrwatch.reviewing.reported import Reported


def lost_at(losses: list[float], **more: object) -> int | None:
    run = Reported()
    for i, loss in enumerate(losses):
        if run.is_lost({"loss": loss, **more}):
            return i
    return None


def falling(n: int = 100) -> list[float]:
    noise = random.Random(0)
    return [2.0 * math.exp(-i / 30) + 0.05 * noise.gauss(0, 1) for i in range(n)]


def test_a_loss_that_is_not_finite_is_the_end() -> None:
    assert lost_at([*falling(5), math.nan]) == 5
    assert lost_at([1.0, math.inf]) == 1


def test_a_run_whose_own_watch_accuses_the_rate_is_lost_at_once() -> None:
    assert lost_at([1.0], lrwatch="too_high") == 0
    assert lost_at([1.0], lrwatch="too_low") is None


def test_a_loss_that_doubles_again_and_again_has_diverged() -> None:
    assert lost_at([1.0, *(1.2 * 3.0**i for i in range(12))]) is not None


def test_healthy_results_are_let_go_on() -> None:
    assert lost_at(falling(), lr=0.01, grad_norm=1.0) is None


def test_once_lost_a_run_stays_so_and_says_why() -> None:
    run = Reported()
    assert run.is_lost({"loss": math.nan})
    assert run.is_lost({"loss": 1.0})
    assert run.reason == "loss is nan"
    assert pickle.loads(pickle.dumps(run)).reason == run.reason


def test_results_without_the_loss_are_refused_by_name() -> None:
    with pytest.raises(KeyError, match="metric 'loss' is not among the results: accuracy, epoch"):
        Reported().is_lost({"epoch": 1, "accuracy": 0.5})
