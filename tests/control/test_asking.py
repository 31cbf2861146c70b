"""A loss that rose for good: the weights, or the data? Older weights are asked before they come."""

import itertools
import math
import random

from lrwatch.policy.settings import Backoff
from tests.control.feeding import Run, descent

N = 400
RISE = [2.6 + 0.05 * i for i in range(60)]


def risen(settings: Backoff | None = None, *, changed: bool, **more: int) -> Run:
    run = Run(settings, moved=0.05, **more)
    run.changed = changed
    run.feed([*descent(0, N), *RISE])
    return run


def test_weights_that_do_no_better_are_not_gone_back_to() -> None:
    run = risen(changed=True)
    assert run.questions
    assert {move.load for _, move in run.moves if move.load} == {"held"}
    assert run.ladder.scale == 1.0


def test_all_snapshots_are_asked_the_newest_first() -> None:
    run = risen(changed=True)
    accepted = next(step for step, move in run.moves if move.load == "held")
    asked = [step for step in run.questions if step < accepted]
    assert len(asked) == 3
    assert [b - a for a, b in itertools.pairwise([*asked, accepted])] == [4, 4, 4]


def test_older_snapshot_does_where_the_newest_was_taken_too_late() -> None:
    run = Run(moved=0.05)
    run.lost_at = N - 10
    run.feed([*descent(0, N), *RISE])
    back = next(move for _, move in run.moves if move.load)
    assert len(run.questions) > 1
    assert back.load is not None
    assert back.load.startswith("good")
    assert back.scale == 0.3


def test_weights_that_do_better_come_back_at_a_lower_rate() -> None:
    run = risen(changed=False)
    assert len(run.questions) == 1
    _, back = next((step, move) for step, move in run.moves if move.load)
    assert back.load is not None
    assert back.load.startswith("good")
    assert back.scale == 0.3


def test_four_batches_are_left_out_for_an_answer() -> None:
    run = risen(changed=False)
    (asked,) = run.questions
    (answered,) = (step for step, move in run.moves if move.load)
    assert answered - asked == 4


def test_change_of_the_data_is_told() -> None:
    run = risen(changed=True)
    told = [move.reason for _, move in run.moves if move.kind == "outcome"]
    assert any("the data changed, or the loss" in reason for reason in told)


def test_new_task_is_learnt_and_the_run_not_given_up() -> None:
    run, rng = Run(moved=0.5), random.Random(1)
    run.changed = True
    for task in range(6):
        run.feed(0.1 + 2.3 * 0.98**i + rng.gauss(0, 0.02) for i in range(300))
        assert run.ladder.scale == 1.0, f"task {task}"
    assert not {"stop", "backoff"} & set(run.kinds())


def test_without_room_to_hold_the_weights_nothing_is_asked() -> None:
    run = risen(changed=True, n_slots=3)
    assert run.questions == []
    assert run.ladder.scale < 1.0


def test_without_the_skip_rung_nothing_is_asked() -> None:
    run = risen(Backoff(rungs=("backoff", "rewind")), changed=True)
    assert run.questions == []
    assert run.ladder.scale < 1.0


def test_steps_are_not_told_late_while_older_weights_are_looked_at() -> None:
    run = Run(moved=0.05)
    run.feed(descent(0, N))
    assert run.ladder.calm is not None
    busy = []
    look = run.ladder.decide

    def decide(seen):  # type: ignore[no-untyped-def]
        moves = look(seen)
        busy.append((any("are looked at" in m.reason for m in moves), run.ladder.calm))
        return moves

    run.ladder.decide = decide  # type: ignore[method-assign]
    run.feed(RISE)
    assert [calm for is_asking, calm in busy if is_asking] == [None] * 3


def test_batch_with_a_nan_among_the_four_is_a_bad_one() -> None:
    run = Run(moved=0.05)
    run.feed(descent(0, N))
    losses = iter(RISE)
    while not run.ladder._asking.is_under_way:
        run._tell(next(losses), 1.0, 0.1)
    for loss in (2.4, math.nan, 2.4, 2.4):
        moves = run._tell(loss, 1.0, 0.1)
    assert moves[-1].load is not None
    assert moves[-1].load.startswith("good")
    assert moves[-1].scale == 0.3
