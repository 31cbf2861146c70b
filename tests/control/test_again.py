"""What begins again, or grows, without the rate or the weights being to blame."""

import math
import random

import torch
from torch import nn

from lrwatch.control.snapshot import Snapshots
from lrwatch.policy.arm import N_BEFORE_CHECK
from lrwatch.policy.course import Course
from lrwatch.policy.settings import Backoff
from lrwatch.policy.shelf import Shelf
from tests.control.feeding import Run, descent

N = 400
NOISE = random.Random(1)
ANNEALED = [1.6 + NOISE.gauss(0, 0.1) for _ in range(200)]
AGAIN = [min(1.6 + 0.02 * i, 2.4) + NOISE.gauss(0, 0.1) for i in range(200)]


def annealed(seed: int = 0) -> Run:
    """A run of 400 steps at 0.1, and 200 at a thousandth of that, where the loss is lower."""
    run = Run(moved=0.05)
    run.feed(descent(seed, N), rate=0.1)
    run.feed(ANNEALED, rate=1e-4)
    return run


def test_a_rate_that_begins_again_where_it_once_was_is_no_jump() -> None:
    run = annealed()
    run.feed(AGAIN, rate=0.1)
    assert not {"rewind", "backoff", "stop"} & set(run.kinds())
    assert run.ladder.scale == 1.0


def test_a_rate_beyond_all_that_have_proven_themselves_goes_back_to_these() -> None:
    run = annealed()
    run.feed(AGAIN, rate=3.0)
    back = next(move for _, move in run.moves if move.load and move.load.startswith("good"))
    assert back.scale is not None
    assert math.isclose(back.scale, 0.1 / 3.0)


def test_a_rate_has_proven_itself_once_a_snapshot_at_it_is_trusted() -> None:
    shelf = Shelf(3, every=10)
    for step, rate in ((100, 0.1), (200, 0.3), (300, 0.01)):
        assert shelf.take(step, step, rate, step)
    assert [shelf.proven(step) for step in (105, 110, 205, 210, 400)] == [0.0, 0.1, 0.1, 0.3, 0.3]
    shelf.back_to(shelf.kept[0])
    assert shelf.proven(400) == 0.1
    shelf.clear(rates=False)
    assert shelf.proven(400) == 0.1
    shelf.clear()
    assert shelf.proven(400) == 0.0


def growing(*, changed: bool) -> Run:
    """A task that grows from the launch; ``changed``: the first weights do no better by now."""
    run, rng = Run(moved=0.5), random.Random(0)
    run.changed = changed
    level = [1.3 - 0.01 * i for i in range(24)] + [1.06 + 0.06 * i for i in range(60)]
    run.feed(x + rng.gauss(0, 0.1) for x in level)
    return run


def test_the_first_weights_are_asked_before_a_run_goes_back_to_them() -> None:
    run = growing(changed=True)
    assert run.questions
    assert "start" not in {move.load for _, move in run.moves}
    assert run.ladder.scale == 1.0
    assert "start" in {move.load for _, move in growing(changed=False).moves}


def test_a_question_leaves_the_buffers_of_the_model_as_they_are() -> None:
    model = nn.BatchNorm1d(2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    snapshots = Snapshots(optimizer, model)
    snapshots.save("good0", 5)
    assert model.running_mean is not None
    model.weight.data.fill_(3.0)
    model.running_mean.fill_(3.0)
    snapshots.load("good0", buffers=False)
    assert (model.weight.tolist(), model.running_mean.tolist()) == ([1.0, 1.0], [3.0, 3.0])
    snapshots.load("good0")
    assert model.running_mean.tolist() == [0.0, 0.0]


def test_only_a_question_leaves_them_out() -> None:
    run = Run(moved=0.05)
    run.feed(descent(0, N))
    seen = [move for _, move in run.feed([2.6 + 0.05 * i for i in range(60)]) if move.load]
    assert seen
    assert all(move.buffers for move in seen)
    assert run.asking_moves
    assert not any(move.buffers for move in run.asking_moves)


def test_a_new_level_is_not_soon_doubted_for_standing_still() -> None:
    course = Course(Backoff(), 6)
    course.n = 600
    course.accept_change()
    assert course.arm.next_check == 300
    course.n = 10
    course.accept_change()
    assert course.arm.next_check == N_BEFORE_CHECK
