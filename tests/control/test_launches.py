"""The launch: what leads back to the first weights, and what a healthy run is spared."""

import random
from collections.abc import Callable

import pytest

from lrwatch.policy.contest import Contest
from lrwatch.policy.floor import Progress, Trial, next_trial, progress
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
    run = Run(3.2).go(130, early_stop)
    assert run.restarts() == [63, 127]
    assert [m.scale for _, m in run.moves if m.load] == pytest.approx([0.3 / 3.2, 0.09 / 3.2])
    assert [m.helped for _, m in run.moves if m.kind == "outcome"][:1] == [True]


def test_the_same_loss_near_the_start_is_left_alone() -> None:
    assert Run(0.6).go(130, early_stop).restarts() == []


def test_weights_less_far_are_given_more_steps_to_show_that_they_learn() -> None:
    assert Run(2.5).go(100, early_stop).restarts() == [95]


def test_noise_that_hides_whether_the_loss_falls_is_no_plateau() -> None:
    def noisy(step: int, scale: float) -> float:
        return early_stop(step, scale) + (-0.3 if step % 2 else 0.3)

    assert Run(3.2).go(94, noisy).restarts() == []


@pytest.mark.parametrize(("moved", "restarts"), [(1.2, []), (3.0, [50])])
def test_alert_alone_leads_back_only_where_the_weights_are_far(
    moved: float, restarts: list[int]
) -> None:
    run = Run(moved).go(50, lambda step, scale: 2.0 + 1.0 / (1 + step))
    run.ladder.warn(hot=True, accused=True)
    seen = Seen(step=50, loss=2.02, grad_norm=1.0, rate=0.1, moved=lambda: moved)
    moves = [(50, move) for move in run.ladder.decide(seen)]
    assert [step for step, move in moves if move.load == "start"] == restarts


def test_lower_rate_that_is_no_better_gives_the_run_back_as_it_was() -> None:
    run = Run(3.2).go(128, lambda step, scale: 3.0 + 1.6 * 0.6**step)
    back = [(step, m) for step, m in run.moves if m.load == "incumbent"]
    assert [step for step, _ in back] == [127]
    assert back[0][1].scale == 1.0
    assert run.ladder.scale == 1.0


def stuck_late(step: int, scale: float) -> float:
    """Falls ever slower to 2.3 and stays; from the start it falls on at a lower rate."""
    return 2.7 - 0.02 * step if scale < 1 and step < 100 else 2.3 + 0.4 * 0.97**step


@pytest.mark.parametrize(("moved", "rescued"), [(1.8, True), (1.2, False)])
def test_old_run_that_stands_still_at_lower_rates_too_is_tried_from_the_start(
    moved: float, rescued: bool
) -> None:
    run = Run(moved).go(520, stuck_late)
    assert bool(run.restarts()) == rescued
    if rescued:
        assert run.restarts()[0] > 192
        assert any(m.helped for _, m in run.moves)


def test_trial_from_the_start_late_in_a_run_that_is_lost_gives_the_run_back() -> None:
    run = Run(1.8).go(700, lambda step, scale: 2.3 + 0.4 * 0.97**step)
    (begun,) = run.restarts()
    (back,) = [step for step, m in run.moves if m.load == "incumbent"]
    assert 150 < back - begun < 128 + 0.1 * back
    assert run.ladder.scale == 1.0


def test_late_trial_from_the_start_is_left_out_where_too_few_steps_may_be_lost_for_it() -> None:
    run = Run(1.8)
    run.ladder._course.n_lost = 100
    assert run.go(520, stuck_late).restarts() == []


def test_contest_compares_with_the_rival_where_another_arm_is_to_come_back() -> None:
    ladders = [Ladder(Backoff()) for _ in range(3)]
    rival, back, challenger = (ladder._course.arm for ladder in ladders)
    for i in range(24):
        for arm, loss in ((rival, 2.0), (challenger, 1.0)):
            arm.add(
                Seen(step=i, loss=loss + 0.01 * (i % 2), grad_norm=1.0, rate=1.0, moved=lambda: 0.0)
            )
    assert Contest(incumbent=back, n_steps=24, rival=rival).outcome(challenger) == "won"


@pytest.mark.parametrize(
    ("gain", "error", "still"),
    [
        (0.01, 0.01, True),
        (0.01, 0.001, False),
        (0.1, 0.1, False),
        (-0.3, 0.01, False),
        (0.0, 0.0, True),
    ],
)
def test_run_stands_still_that_gains_and_loses_nothing_for_certain_and_little_if_anything(
    gain: float, error: float, still: bool
) -> None:
    assert gained(gain, error=error).stands_still() == still


def gained(gain: float, *, error: float = 0.01) -> Progress:
    """An arm of 400 steps that gained so much from its second to its fourth quarter."""
    return Progress(
        now=Mean(1.0, error),
        gain=gain,
        error=error,
        span=2.0,
        learnt=True,
        per_doubling=gain,
        n=400,
        since=50,
    )


def trial(*, known_hot: bool) -> Trial:
    return Trial(before=gained(0.05), n_steps=24, known_hot=known_hot)


@pytest.mark.parametrize(("again", "outcome"), [(False, "kept"), (True, "refused")])
def test_of_a_hot_run_the_second_lower_rate_must_gain_more(again: bool, outcome: str) -> None:
    before = gained(0.2, error=0.001)
    arm = Ladder(Backoff())._course.arm
    found = next_trial(arm, before, known_hot=True, again=again)
    assert outcomes(found, low=0.86, back=1.0)[-1:] == [outcome]


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


def test_what_a_run_would_have_gained_in_the_meantime_counts_for_its_own_rate() -> None:
    slow, quick = gained(0.0), gained(0.2)
    assert slow.expected(50) == 1.0
    assert quick.expected(300) == pytest.approx(1.0 - 0.2)  # 350 steps become 700


@pytest.mark.parametrize(("gain", "outcome"), [(0.05, "kept"), (0.5, "refused")])
def test_lower_loss_that_a_quick_run_would_soon_have_had_is_refused(
    gain: float, outcome: str
) -> None:
    found = Trial(before=gained(gain), n_steps=24, known_hot=True)
    assert outcomes(found, low=0.8, back=1.0) == [outcome]


def test_trial_that_is_behind_at_its_half_is_given_up() -> None:
    found = trial(known_hot=False)
    said = [found.outcome(1.1 + 0.001 * (i % 2)) for i in range(12)]
    assert said == [None] * 11 + ["refused"]


def test_short_arm_of_a_long_run_does_not_pass_for_one_that_doubles_its_length() -> None:
    arm = Ladder(Backoff())._course.arm
    for i in range(96):
        arm.add(Seen(step=i, loss=2.0 - i / 960, grad_norm=1.0, rate=1.0, moved=lambda: 0.0))
    alone, late = progress(arm, Mean(4.0, 0.0)), progress(arm, Mean(4.0, 0.0), age=1000)
    assert alone.gain == late.gain == pytest.approx(0.05)
    assert 0.03 < alone.per_doubling < 0.06
    assert late.per_doubling == pytest.approx(0.12 * late.span)
