"""The search after a launch that was too hot: it ends near the rate that learns fastest."""

import itertools
import math
import random

import pytest

from lrwatch.policy.ladder import Ladder
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.settings import Backoff

FASTEST = 0.1


class Training:
    """Learns at a speed that peaks at a rate of 0.1, and falls apart at ten times that."""

    def __init__(self, rate: float, settings: Backoff | None = None, *, speed: float = 0.1) -> None:
        self.ladder = Ladder(settings or Backoff())
        self.rate, self.speed, self.n = rate, speed, 0
        self.step, self.rng = 0, random.Random(0)
        self.moves: list[tuple[int, Move]] = []

    def loss(self) -> float:
        ratio = self.rate * self.ladder.scale / FASTEST
        if ratio > 10:
            return 2.3 * 2.0 ** min(self.n, 60)
        speed = self.speed * ratio * math.exp(1 - ratio)
        return 0.3 + 2.0 * math.exp(-speed * self.n)

    def go(self, n_steps: int) -> "Training":
        for _ in range(n_steps):
            loss = self.loss() + self.rng.gauss(0, 0.02)
            norm = 10.0 if loss > 4 else 1.0
            seen = Seen(
                step=self.step,
                loss=loss,
                grad_norm=norm,
                rate=self.rate,
                moved=lambda: 0.5 * self.n,
            )
            moves = self.ladder.decide(seen)
            self.moves += [(self.step, move) for move in moves]
            self.step += 1
            self.n = 0 if any(move.load for move in moves) else self.n + 1
        return self

    def landed(self) -> float:
        """Rate of the last step, in units of the one that learns fastest."""
        return self.rate * self.ladder.scale / FASTEST

    def restarts(self) -> list[int]:
        return [step for step, move in self.moves if move.load == "start"]


@pytest.mark.parametrize("times", [11, 20, 33, 60, 100, 333, 1000, 3000])
def test_launch_any_number_of_times_too_hot_ends_near_the_fastest_rate(times: float) -> None:
    run = Training(times * FASTEST).go(100)
    assert 0.15 <= run.landed() <= 1.5


def test_search_costs_few_steps() -> None:
    run = Training(100 * FASTEST).go(400)
    assert run.restarts()[-1] < 60
    assert run.ladder.n_lost < 60


def test_run_that_has_not_begun_to_learn_is_given_longer_trials() -> None:
    quick, slow = (Training(20 * FASTEST, speed=speed).go(300) for speed in (0.1, 0.001))
    longest = [max(b - a for a, b in itertools.pairwise(run.restarts())) for run in (quick, slow)]
    assert longest[0] < longest[1] == 36


def test_healthy_launch_is_not_searched() -> None:
    run = Training(FASTEST).go(400)
    assert run.restarts() == []
    assert run.landed() == 1.0


def test_search_ends_well_below_the_fastest_rate_as_the_run_is_long() -> None:
    run = Training(100 * FASTEST).go(80)
    found, end = (move for _, move in run.moves[-2:])
    assert found.reason.endswith("learns fastest from the start")
    assert end.reason.startswith("0.5 of the rate that learns fastest at first")
    assert run.landed() == pytest.approx(0.5 * float(found.reason.split()[3]) / FASTEST, rel=1e-2)


def test_under_a_schedule_the_search_ends_nearer_to_the_fastest_rate() -> None:
    run = Training(100 * FASTEST)
    for _ in range(80):
        run.go(1)
        run.rate *= 0.999
    assert run.moves[-1][1].reason.startswith("0.7 of the rate that learns fastest at first")


def test_what_the_search_left_below_the_fastest_rate_is_tried_again() -> None:
    run = Training(100 * FASTEST, speed=0.005).go(500)
    assert "rescued: is a higher rate faster?" in [move.reason for _, move in run.moves]


def test_search_ends_no_lower_than_the_floor() -> None:
    run = Training(20 * FASTEST, Backoff(floor=0.2)).go(60)
    assert "stop" not in [move.kind for _, move in run.moves]
    assert run.ladder.scale == pytest.approx(0.2)


def test_without_trials_nothing_is_compared() -> None:
    run = Training(20 * FASTEST, Backoff(trials=False)).go(200)
    assert not any("learn" in move.reason for _, move in run.moves)


def test_a_search_is_done_once() -> None:
    run = Training(100 * FASTEST).go(200)
    n = len(run.restarts())
    run.rate *= 20
    run.n = 0
    run.go(60)
    assert not any("learn faster" in move.reason for _, move in run.moves[-3:])
    assert len(run.restarts()) >= n


def test_rate_that_a_search_has_found_comes_back_after_trouble() -> None:
    run = Training(20 * FASTEST, speed=0.004).go(200)
    found, learning, n_moves = run.ladder.scale, run.speed, len(run.moves)
    run.speed = 0.0
    while len(run.moves) == n_moves:
        run.go(1)
    assert "do better on these batches" in run.moves[-1][1].reason
    run.speed, run.n = learning, 150  # the older weights are in
    run.go(3).n = 150
    run.go(1).n = 150
    assert run.moves[-1][1].kind == "rewind"
    assert run.ladder.scale < 0.5 * found
    run.go(60)
    assert run.ladder.scale > 0.5 * found


class EasyAtFirst(Training):
    """What is easy is learnt in ten steps at any rate of a fifth of the fastest one or more."""

    def loss(self) -> float:
        ratio = self.rate * self.ladder.scale / FASTEST
        if ratio > 10:
            return 2.3 * 2.0 ** min(self.n, 60)
        return 1.0 + 1.3 * math.exp(-min(ratio, 0.2) * 2.0 * self.n)


@pytest.mark.parametrize("times", [20, 60, 100, 333])
def test_notches_that_learnt_what_is_easy_at_the_same_pace_end_no_search(times: float) -> None:
    run = EasyAtFirst(times * FASTEST).go(140)
    found = next(m.reason for _, m in run.moves if "learns fastest from the start" in m.reason)
    assert float(found.split()[3]) <= 2 * FASTEST
