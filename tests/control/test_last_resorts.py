"""What is left to the ladder where memory, rungs or what it did before keep it from more."""

import math
import random
from collections.abc import Callable

from lrwatch.policy.ladder import Ladder
from lrwatch.policy.settings import Backoff
from tests.control.feeding import Run, descent
from tests.control.test_first_losses import SingleErrors
from tests.control.test_ladder import floor_at

RUIN = [2.3, 9.0, 20.0], [1.0, 30.0, 60.0]


def reasons(run: Run) -> list[str]:
    return [move.reason for _, move in run.moves]


def launched_too_hot(level: Callable[[float], float], n_steps: int) -> Run:
    """Above half of its rate it blows up; below, it falls to a level that depends on the scale."""
    run, rng, n = Run(moved=1.2), random.Random(1), 0
    for _ in range(n_steps):
        scale, n_moves = run.ladder.scale, len(run.moves)
        fallen = level(scale) + 0.5 * math.exp(-n * scale**0.15 / 7.7) + rng.gauss(0, 0.03)
        run.feed([2.3 * 1.9 ** min(n, 30) if scale > 0.5 else fallen])
        n = 0 if any(move.load == "start" for _, move in run.moves[n_moves:]) else n + 1
    return run


def test_with_room_for_the_first_weights_alone_a_row_of_nans_leads_back_to_them() -> None:
    run = Run(n_slots=1)
    run.feed([*descent(0, 120), math.nan, math.nan, math.nan])
    (_, skipped), (step, back), (_, after) = run.moves
    assert (skipped.kind, after.kind) == ("skip", "skip")
    assert (step, back.kind, back.load, back.scale) == (121, "rewind", "start", 0.3)


def test_without_room_for_any_weights_a_lost_level_lowers_the_rate_in_place() -> None:
    run = Run(moved=0.05, n_slots=0)
    run.feed([*descent(0, 200), *(2.6 + 0.05 * i for i in range(30))])
    ((_, move),) = run.moves
    assert (move.kind, move.load, move.scale) == ("backoff", None, 0.3)


def test_where_the_weights_are_to_blame_and_the_rate_may_not_be_lowered_it_is_said() -> None:
    run, losses = Run(Backoff(rungs=("skip", "rewind"))), descent(0, 100)
    run.feed([*losses[:60], 30.0, 30.0, 30.0, 30.0, *losses[60:]])
    assert run.kinds() == ["skip", "skip", "skip", "rewind"]
    _, outcome = run.moves[-1]
    assert outcome.helped
    assert outcome.reason == "the weights were to blame, not the data"
    assert run.ladder.scale == 1.0


def test_what_is_not_finite_is_left_to_the_run_where_nothing_may_be_left_out() -> None:
    run = Run(Backoff(rungs=("backoff",)))
    assert run.feed([*descent(0, 100), math.nan, math.nan, *descent(0, 100)[-20:]]) == []


def test_ruined_launch_keeps_its_weights_where_none_may_be_brought_back() -> None:
    run = Run(Backoff(rungs=("skip", "backoff")))
    assert run.feed(*RUIN) == []


def test_old_run_that_is_accused_stays_where_it_is_and_never_passes_its_rate() -> None:
    run, losses = Run(moved=3.0), descent(0, 320)
    run.feed(losses[:300])
    run.ladder.warn(accused=True)
    assert run.feed(losses[300:310]) == []
    run.feed(losses[310:], rate=0.3)
    ((_, move),) = run.moves
    assert (move.kind, move.load) == ("backoff", None)
    assert 0.3 * run.ladder.scale < 0.1


def test_low_first_loss_gives_the_rate_back_where_there_is_no_room_for_the_run_itself() -> None:
    for seed in range(10):
        run = SingleErrors(seed)
        run.ladder = Ladder(Backoff(), n_slots=1)
        run.go(100)
        told = [m for _, m in run.moves if "the first loss was a low batch's" in m.reason]
        assert [(m.kind, m.load) for m in told] in ([], [("outcome", None), ("ramp", None)])
        assert run.ladder.scale == 1.0


def test_run_that_has_learnt_nothing_is_tried_at_a_lower_rate_from_the_start() -> None:
    run, rng = Run(moved=1.2), random.Random(1)
    run.feed([2.4, *(2.42 + rng.gauss(0, 0.02) for _ in range(140))])
    tried = next(move for _, move in run.moves if move.reason.startswith("nothing learnt in"))
    assert (tried.load, tried.save) == ("start", "incumbent")
    assert run.moves[-1][1].load == "incumbent"
    assert run.ladder.scale == 1.0


def test_rate_that_helped_in_place_has_to_prove_itself_from_the_start_where_little_is_won() -> None:
    run = floor_at(lambda scale: 2.0 if scale >= 1 else 1.7, 180, moved=1.2)
    told = reasons(run)
    kept = next(n for n, said in enumerate(told) if said.startswith("a lower rate in place"))
    assert told[kept + 1] == "a lower rate is better: is it also better from the start?"
    assert "a lower rate from the start is better" in told


def test_trial_from_the_start_that_wins_after_a_search_begins_no_second_one() -> None:
    run = launched_too_hot(lambda scale: 2.2 if scale > 0.05 else 1.8, 300)
    told = reasons(run)
    searched = next(n for n, said in enumerate(told) if "learns fastest" in said)
    won = told.index("a lower rate from the start is better")
    assert searched < won
    assert not any("learn faster" in said for said in told[won:])
    assert all((move.scale or 0.0) <= 0.05 for _, move in run.moves[won:])
