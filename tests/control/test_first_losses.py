"""One low batch at the first weights is no reason to call a launch too hot."""

import random

import pytest

from lrwatch.policy.ladder import Ladder
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.settings import Backoff

HELD = "at the first weights, which are held"


class SingleErrors:
    """Squared errors of single samples; above ``hot`` the rate throws the weights away."""

    def __init__(
        self,
        seed: int,
        *,
        first: float = 0.02,
        hot: float = 10.0,
        settings: Backoff | None = None,
    ) -> None:
        self.ladder, self.rng = Ladder(settings or Backoff()), random.Random(seed)
        self.first, self.hot = first, hot
        self.n = 0
        self.moves: list[tuple[int, Move]] = []

    def level(self) -> float:
        """Mean of the squared errors now."""
        if self.ladder.scale > self.hot:
            return float(1.7 ** min(self.n, 60))
        return 0.5 + 0.5 * 0.99**self.n

    def go(self, n_steps: int) -> "SingleErrors":
        for step in range(n_steps):
            error = self.first if step == 0 else self.rng.gauss(0, 1)
            loss = self.level() * error * error
            seen = Seen(step=step, loss=loss, grad_norm=loss**0.5, rate=0.1, moved=lambda: 0.5)
            moves = self.ladder.decide(seen)
            self.moves += [(step, move) for move in moves]
            kinds = {move.kind for move in moves}
            self.n = 0 if any(m.load for m in moves) else self.n + ("skip" not in kinds)
        return self

    def n_held(self) -> int:
        return sum(HELD in move.reason for _, move in self.moves)


@pytest.mark.parametrize("seed", range(20))
def test_healthy_run_of_single_samples_keeps_its_rate(seed: int) -> None:
    run = SingleErrors(seed).go(100)
    assert run.ladder.scale == 1.0


def test_rate_comes_back_once_the_first_loss_is_known_to_be_a_low_one() -> None:
    runs = [SingleErrors(seed).go(100) for seed in range(20)]
    told = [m for run in runs for _, m in run.moves if "the first loss was a low" in m.reason]
    assert {move.kind for move in told} == {"outcome", "rewind"}
    assert any(run.n_held() for run in runs)


@pytest.mark.parametrize("seed", range(20))
def test_launch_of_single_samples_that_is_too_hot_is_left(seed: int) -> None:
    run = SingleErrors(seed, hot=0.2).go(100)
    assert run.ladder.scale <= 0.2


def test_first_weights_are_held_for_eight_losses_at_most() -> None:
    for seed in range(20):
        assert SingleErrors(seed, hot=0.2).go(100).n_held() <= 7


def test_without_the_skip_rung_the_first_weights_are_not_held() -> None:
    for seed in range(20):
        run = SingleErrors(seed, settings=Backoff(rungs=("backoff", "rewind"))).go(100)
        assert "skip" not in [move.kind for _, move in run.moves]
        assert any(move.load == "start" for _, move in run.moves)


def test_first_losses_that_agree_are_asked_for_no_more() -> None:
    ladder, rng, n, moves = Ladder(Backoff()), random.Random(0), 0, []
    for step in range(60):
        loss = 2.3 * (1.7 ** min(n, 60) if ladder.scale > 0.2 else 1.0) + rng.gauss(0, 0.02)
        seen = Seen(step=step, loss=loss, grad_norm=loss, rate=0.1, moved=lambda: 0.5)
        found = ladder.decide(seen)
        n = 0 if any(move.load for move in found) else n + 1
        moves += found
    assert any(move.load == "start" for move in moves)
    assert not any(HELD in move.reason for move in moves)


@pytest.mark.parametrize("seed", [23, 34, 68, 108])
def test_search_goes_on_once_the_first_loss_is_known_to_be_a_low_one(seed: int) -> None:
    run = SingleErrors(seed, first=0.3, hot=0.5).go(300)
    reasons = [move.reason for _, move in run.moves]
    acquitted = next(n for n, said in enumerate(reasons) if "the first loss was a low" in said)
    before, after = reasons[:acquitted], reasons[acquitted:]
    assert not any("learns fastest" in said for said in before)
    assert any("learns fastest" in said for said in after)


def test_later_losses_are_measured_by_the_average_once_the_first_is_known_to_be_low() -> None:
    run = next(
        run
        for run in (SingleErrors(seed).go(100) for seed in range(20))
        if any("the first loss was a low" in move.reason for _, move in run.moves)
    )
    assert run.ladder._course.first_loss > 10 * run.first
