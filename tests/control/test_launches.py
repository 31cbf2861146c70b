"""The launch: what leads back to the first weights, and what a healthy run is spared."""

import random
from collections.abc import Callable

import pytest

from lrwatch.policy.contest import Contest
from lrwatch.policy.floor import Progress, Trial, next_trial
from lrwatch.policy.ladder import Ladder
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.settings import Backoff
from lrwatch.policy.spread import Mean


class Run:
    """A ladder whose losses may depend on the step and on the scale in force."""

    def __init__(self, moved: float) -> None:
        self.ladder = Ladder(Backoff())
        self.moved = moved
        self.moves: list[tuple[int, Move]] = []

    def go(self, n: int, loss: Callable[[int, float], float], norm: float = 1.0) -> "Run":
        rng = random.Random(0)
        since = 0
        for step in range(n):
            value = loss(since, self.ladder.scale) + rng.gauss(0, 0.02)
            seen = Seen(
                step=step,
                loss=value,
                grad_norm=1.0 if since == 0 else norm,
                rate=0.1,
                moved=lambda: self.moved,
            )
            moves = self.ladder.decide(seen)
            self.moves += [(step, move) for move in moves]
            back = [m for m in moves if m.kind == "rewind" and m.load == "start"]
            since = 0 if back else since + 1
        return self

    def restarts(self) -> list[int]:
        return [step for step, move in self.moves if move.load == "start"]


def plateau(step: int, scale: float) -> float:
    return 2.3


def early_stop(step: int, scale: float) -> float:
    """Falls from 4.6 to 3 within ten steps and then stays; at a low rate it falls on."""
    fast = 3.0 + 1.6 * 0.6**step
    return fast if scale > 0.2 else fast - 0.01 * step


@pytest.mark.parametrize("moved", [0.3, 1.0, 2.0])
def test_plateau_before_a_run_takes_off_is_no_reason_to_start_again(moved: float) -> None:
    assert Run(moved).go(150, plateau).restarts() == []


@pytest.mark.parametrize(("moved", "norm"), [(5.0, 0.05), (5.0, 6.0), (20.0, 1.0)])
def test_plateau_of_ruined_weights_is_left(moved: float, norm: float) -> None:
    assert Run(moved).go(60, plateau, norm).restarts()[0] in (19, 39)


def test_loss_that_stops_early_and_high_far_from_the_start_is_tried_again_lower() -> None:
    run = Run(3.0).go(130, early_stop)
    assert run.restarts() == [63, 127]
    assert [m.scale for _, m in run.moves if m.load] == pytest.approx([0.1, 0.03])
    assert [m.helped for _, m in run.moves if m.kind == "outcome"][:1] == [True]


def test_the_same_loss_near_the_start_is_left_alone() -> None:
    assert Run(0.6).go(130, early_stop).restarts() == []


def test_lower_rate_that_is_no_better_gives_the_run_back_as_it_was() -> None:
    run = Run(3.0).go(128, lambda step, scale: 3.0 + 1.6 * 0.6**step)
    back = [(step, m) for step, m in run.moves if m.load == "incumbent"]
    assert [step for step, _ in back] == [127]
    assert back[0][1].scale == 1.0
    assert run.ladder.scale == 1.0


def test_contest_compares_with_the_rival_where_another_arm_is_to_come_back() -> None:
    ladders = [Ladder(Backoff()) for _ in range(3)]
    rival, back, challenger = (ladder._course.arm for ladder in ladders)
    for i in range(24):
        for arm, loss in ((rival, 2.0), (challenger, 1.0)):
            arm.add(
                Seen(step=i, loss=loss + 0.01 * (i % 2), grad_norm=1.0, rate=1.0, moved=lambda: 0.0)
            )
    assert Contest(incumbent=back, n_steps=24, rival=rival).outcome(challenger) == "won"


def trial(*, known_hot: bool) -> Trial:
    before = Progress(now=Mean(1.0, 0.01), gain=0.05, error=0.01, span=2.0, learnt=True)
    return Trial(before=before, n_steps=24, known_hot=known_hot)


@pytest.mark.parametrize(("again", "outcome"), [(False, "kept"), (True, "refused")])
def test_of_a_hot_run_the_second_lower_rate_must_gain_more(again: bool, outcome: str) -> None:
    before = Progress(now=Mean(1.0, 0.001), gain=0.2, error=0.01, span=2.0, learnt=True)
    arm = Ladder(Backoff())._course.arm
    found = next_trial(arm, before, known_hot=True, again=again)
    assert outcomes(found, low=0.88, back=1.0)[-1:] == [outcome]


def outcomes(found: Trial, low: float, back: float) -> list[str]:
    said: list[str] = []
    for i in range(60):
        level = back if found.back is not None else low
        outcome = found.outcome(level + 0.001 * (i % 2))
        if outcome:
            said.append(outcome)
        if outcome in ("kept", "refused"):
            break
    return said


def test_lower_level_must_be_lost_again_at_the_old_rate() -> None:
    assert outcomes(trial(known_hot=False), low=0.8, back=1.0) == ["back", "kept"]


def test_run_that_just_began_to_fall_by_itself_keeps_its_rate() -> None:
    assert outcomes(trial(known_hot=False), low=0.8, back=0.75) == ["back", "refused"]


def test_where_the_rate_is_known_to_be_hot_the_old_one_need_not_come_back() -> None:
    assert outcomes(trial(known_hot=True), low=0.8, back=1.0) == ["kept"]


def test_gain_that_time_alone_would_have_brought_is_refused() -> None:
    assert outcomes(trial(known_hot=False), low=0.97, back=0.97) == ["refused"]
