"""The rescue benchmark counts lost steps right, keeps its runs, and takes the users' path."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from lrwatch.records import Action, ActionKind, Point, Step
from tests.benchmarks.rescue.bench import Result
from tests.benchmarks.rescue.peers import LeavesOut
from tests.benchmarks.rescue.remedies import BACK_OFF, REMEDIES, Ledger
from tests.benchmarks.rescue.runs import Ended, train
from tests.benchmarks.rescue.store import Store
from tests.benchmarks.rescue.tables import mishap_rows
from tests.benchmarks.sweep.workloads import WORKLOADS

torch.set_num_threads(1)
TINY = replace(next(w for w in WORKLOADS if w.key == "blobs_logreg/momentum"), n_steps=80)


def ledger(n_steps: int, actions: dict[int, tuple[ActionKind, int | None]]) -> Ledger:
    found = Ledger()
    for step in range(n_steps):
        found.write_point(Point(step=Step(step=step)))
        if step in actions:
            kind, to_step = actions[step]
            found.write_action(Action(kind=kind, step=step, reason="", to_step=to_step))
    return found


def test_skipped_update_loses_one_step() -> None:
    assert ledger(10, {4: ("skip", None)}).n_lost == 1


def test_rewind_loses_all_since_the_snapshot_and_its_own_step() -> None:
    assert ledger(10, {6: ("rewind", 2)}).n_lost == 5


def test_trial_that_is_taken_back_loses_only_its_own_steps() -> None:
    assert ledger(20, {6: ("rewind", 0), 10: ("rewind", 6)}).n_lost == 5


def test_back_off_of_the_benchmark_is_attach_with_its_log_of_actions() -> None:
    ended = train(TINY, 0, 3.0, REMEDIES[BACK_OFF])
    assert any(" rewind " in line for line in ended.story)
    assert ended.final < ended.initial
    assert ended.lost > 0


def test_run_is_done_once_and_read_from_the_file_afterwards(tmp_path: Path) -> None:
    calls: list[int] = []

    def run() -> Ended:
        calls.append(1)
        return Ended(1.0, math.inf, 0.5, ("3 stop x1.0 why",))

    path = tmp_path / "runs.jsonl"
    first = Store(path).get("key", run)
    again = Store(path).get("key", run)
    assert first == again
    assert again.stopped
    assert len(calls) == 1


def test_updates_left_out_are_the_only_difference_to_the_run_alone() -> None:
    alone = train(TINY, 0, 0.03)
    same = train(TINY, 0, 0.03, partial(LeavesOut, first=30, n_steps=0))
    other = train(TINY, 0, 0.03, partial(LeavesOut, first=30, n_steps=20))
    assert same.final == alone.final
    assert other.final != alone.final
    assert (
        train(replace(TINY, n_steps=30), 0, 0.03).final
        == train(replace(TINY, n_steps=50), 0, 0.03, partial(LeavesOut, first=30, n_steps=20)).final
    )


def test_rows_of_mishaps_count_what_leaving_the_updates_out_would_reach() -> None:
    def ended(final: float) -> Ended:
        return Ended(2.0, final, 0.0, ())

    found = [
        Result(TINY, 0, "a NaN batch", BACK_OFF, 1.0, ended(math.inf), ended(ours), ended(best))
        for ours, best in [(1.01, 1.01), (1.015, 1.0), (1.5, 1.01), (1.5, 1.5)]
    ]
    (row,) = (line for line in mishap_rows(found, BACK_OFF) if line.startswith("a NaN batch"))
    assert row.split()[3:] == ["4", "0", "2", "3", "0", "2", "3"]
