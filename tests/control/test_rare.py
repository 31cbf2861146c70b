"""Batches that stand out, but come again and again: they are a part of the data."""

import random

from lrwatch.policy.settings import Backoff
from tests.control.feeding import Run


def fed(every: int, n_steps: int = 1200) -> tuple[Run, list[int]]:
    """A run in which each ``every``-th batch is of a rare kind, and the steps left out."""
    run, rng = Run(moved=0.05), random.Random(0)
    for i in range(n_steps):
        is_rare = i >= 100 and i % every == 0
        loss = (6.0 if is_rare else 0.5) + rng.gauss(0, 0.05)
        run.feed([loss], [30.0 if is_rare else 1.0])
    return run, [step for step, move in run.moves if move.kind == "skip"]


def test_kind_that_comes_again_is_let_through_from_the_third_time_on() -> None:
    _, left_out = fed(every=100)
    assert left_out == [100, 200]


def test_single_bad_batch_is_left_out() -> None:
    _, left_out = fed(every=1000)
    assert left_out == [1000]


def test_kind_that_is_far_worse_than_those_before_is_left_out() -> None:
    run, rng = Run(moved=0.05), random.Random(0)
    for i in range(600):
        is_rare = i >= 100 and i % 100 == 0
        loss = (5.0 ** (i // 100) if is_rare else 0.5) + rng.gauss(0, 0.05)
        run.feed([loss], [5.0 ** (i // 100) * 10 if is_rare else 1.0])
    assert [step for step, move in run.moves if move.kind == "skip"] == [100, 200, 300, 400, 500]


def test_bad_batches_in_a_row_are_all_left_out() -> None:
    run, rng = Run(moved=0.05), random.Random(0)
    for i in range(300):
        is_bad = 200 <= i < 212
        run.feed([(6.0 if is_bad else 0.5) + rng.gauss(0, 0.05)], [30.0 if is_bad else 1.0])
    assert not [step for step, move in run.moves if move.load and move.load != "held"][1:]
    assert run.ladder.scale == 1.0


def test_what_is_told_of_batches_left_out_claims_no_more_than_was_seen() -> None:
    run, _ = fed(every=1000)
    told = [move.reason for _, move in run.moves if move.kind == "outcome"]
    assert told == ["1 update left out, and now a batch like those before"]


def surrogate_run(losses: list[float], norms: list[float] | None = None) -> Run:
    run = Run(Backoff(settle=True), moved=5.0, surrogate=True)
    for _ in range(3):
        run.ladder.warn(hot=True, lost=True, accused=True)
    run.feed(losses, norms)
    return run


def test_loss_that_says_nothing_is_not_judged() -> None:
    rising = [0.1 + 0.05 * i for i in range(400)]
    flat = [1.0 + random.Random(i).gauss(0, 0.1) for i in range(400)]
    jumps = [1.0 if i % 50 else 1e3 for i in range(400)]
    for losses in (rising, flat, jumps):
        assert surrogate_run(losses).moves == []


def test_where_the_loss_says_nothing_a_nan_is_left_out_and_good_weights_come_back() -> None:
    run = surrogate_run([1.0] * 200)
    nan = float("nan")
    run.feed([nan])
    assert [move.kind for _, move in run.moves] == ["skip"]
    run.feed([nan])
    assert run.moves[-1][1].load is not None
    assert run.moves[-1][1].load.startswith("good")
