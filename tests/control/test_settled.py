"""A run that is saved, or ends, in the middle of a trial: unproven weights do not outlive it."""

import copy
import json
import math
import pickle
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lrwatch.policy.ladder import Ladder
from lrwatch.policy.settings import Backoff
from tests.control.feeding import Run, descent
from tests.control.plateau import Plateau


def resumed(ladder: Ladder, settings: Backoff | None = None) -> Ladder:
    again = Ladder(settings or Backoff())
    again.load_state_dict(json.loads(json.dumps(ladder.state_dict())))
    return again


def flat(n_steps: int) -> Run:
    """A healthy run that has come to rest, and tries a lower rate in place now and then."""
    run, rng = Run(moved=0.5), random.Random(0)
    for i in range(n_steps):
        run.feed([0.5 + 2 * math.exp(-i / 10) + rng.gauss(0, 0.05)])
    return run


def test_state_saved_during_a_trial_in_place_has_the_rate_before_it() -> None:
    tried = [n for n in range(130, 400) if flat(n).ladder.scale < 1.0]
    assert tried
    for n in (tried[0], tried[len(tried) // 2]):
        run = flat(n)
        assert run.ladder.scale == 0.3
        assert resumed(run.ladder).scale == 1.0


def test_rescued_run_may_still_go_up_after_a_resume() -> None:
    run = Run()
    run.ladder._course.ceiling = 0.05
    run.feed(descent(0, 10))
    assert resumed(run.ladder)._course.ceiling == 0.05


def test_run_that_is_saved_while_older_weights_are_looked_at_gets_its_own_back() -> None:
    run = Run(moved=0.05)
    run.feed([*descent(0, 60), 30.0, 30.0, 30.0, 30.0])
    assert (run.moves[-1][1].kind, run.moves[-1][1].save) == ("rewind", "held")
    assert run.ladder.is_on_trial
    (move,) = run.ladder.settle("the run is being saved")
    assert (move.kind, move.load, move.scale) == ("rewind", "held", None)
    assert not run.ladder.is_on_trial
    assert run.ladder.settle("the watch ends") == []


def test_resumed_run_without_room_for_its_weights_keeps_none() -> None:
    run = Run(n_slots=1)
    run.ladder.load_state_dict(Ladder(Backoff()).state_dict())
    run.feed(descent(0, 40))
    assert run.saved == []
    assert run.moves == []


def test_weights_of_a_checkpoint_are_a_snapshot_to_go_back_to() -> None:
    run = Run(moved=0.05)
    run.feed(descent(0, 300))
    run.ladder = resumed(run.ladder)
    run.saved.clear()
    run.feed([2.5, 2.4])
    assert len(run.saved) == 1
    nan = math.nan
    run.feed([nan, nan, nan])
    assert any(move.load and move.load.startswith("good") for _, move in run.moves)


def ask_the_model(run: Plateau) -> Tensor:
    saved: Tensor = run.model.state_dict()["weight"]
    return saved


def ask_the_optimizer(run: Plateau) -> Tensor:
    run.optimizer.state_dict()
    return run.weight()


def ask_the_watch(run: Plateau) -> Tensor:
    run.watch.state_dict()
    return run.weight()


def close(run: Plateau) -> Tensor:
    run.watch.close()
    return run.weight()


def disarm(run: Plateau) -> Tensor:
    run.watch.disarm()
    return run.weight()


def drop(run: Plateau) -> Tensor:
    """What happens where a function that trains returns without close()."""
    del run.optimizer
    return run.weight()


@pytest.mark.parametrize(
    "save", [ask_the_model, ask_the_optimizer, ask_the_watch, close, disarm, drop]
)
def test_trial_from_the_start_is_called_off_and_the_run_comes_back(
    tmp_path: Path, save: Callable[[Plateau], Tensor]
) -> None:
    run = Plateau(tmp_path).until_a_trial()
    tried = run.weight()
    assert (save(run) - tried).abs().max() > 1.0
    written = (tmp_path / "lrwatch/alerts.jsonl").read_text(encoding="utf-8").splitlines()
    lines = [json.loads(line) for line in written]
    reasons = [line["reason"] for line in lines if "reason" in line]
    assert any("the trial from the start is called off" in reason for reason in reasons)
    run.watch.close()


def test_trial_goes_on_where_the_state_is_asked_for_at_each_step(tmp_path: Path) -> None:
    run = Plateau(tmp_path)
    for _ in range(2000):
        run.model.state_dict()
        run.step()
        if run.ladder._course.contest:
            break
    for _ in range(5):
        run.model.state_dict()
        run.step()
        assert run.ladder._course.contest
    run.watch.close()


def test_copies_of_the_model_hold_nothing_of_the_watch(tmp_path: Path) -> None:
    run = Plateau(tmp_path)
    for copied in (copy.deepcopy(run.model), pickle.loads(pickle.dumps(run.model))):
        assert copied.state_dict().keys() == run.model.state_dict().keys()
    assert b"lrwatch" not in pickle.dumps(run.model)
    run.watch.close()
    assert not run.model._state_dict_pre_hooks


def test_no_trial_begins_that_the_rest_of_the_run_is_too_short_for() -> None:
    course = Ladder(Backoff(), total_steps=1000)._course
    course.n = 900
    assert course.room() == 50
    course.n = 100
    assert course.room() == Ladder(Backoff())._course.room() + 10


def test_run_of_a_thousand_steps_is_not_left_for_a_trial_from_the_start() -> None:
    for n, alone, may in ((1000, True, True), (1100, True, False), (500, False, False)):
        run = flat(200)
        ladder, course = run.ladder, run.ladder._course
        course.alone, course.arm.n, course.n = alone, n, n
        so_far = ladder._settling._progress()
        assert so_far.slower_than(0.03)
        assert (ladder._settling._steps_from_start(so_far, proven=False) > 0) == may


@pytest.mark.parametrize("save", [ask_the_model, ask_the_optimizer, ask_the_watch, close])
def test_one_of_several_ranks_calls_no_trial_off(
    tmp_path: Path, save: Callable[[Plateau], Tensor]
) -> None:
    run = Plateau(tmp_path).until_a_trial()
    tried = run.weight()
    run.watch.backoff._together.alone = False
    assert torch.equal(save(run), tried)
    run.watch.backoff._together.alone = True
    run.watch.close()
