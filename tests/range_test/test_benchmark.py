"""The benchmark of suggested rates: its peers, its loader and its arithmetic."""

import math
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.benchmarks.find_lr.held_out import HELD_OUT
from tests.benchmarks.find_lr.loader import TaskLoader
from tests.benchmarks.find_lr.outcomes import Best, Trained
from tests.benchmarks.find_lr.peers import PEERS, minimum_over_ten, steepest_lr_finder, valley
from tests.benchmarks.find_lr.suggestions import OURS, suggestions
from tests.benchmarks.find_lr.table import Result, report
from tests.benchmarks.sweep.workloads import WORKLOADS

LRS = np.geomspace(1e-7, 10.0, 100)
FALL = np.array([2.0 - 1.5 / (1 + math.exp(-(i - 60) / 3)) for i in range(85)])


def test_valley_is_the_middle_of_the_longest_fall() -> None:
    # falls at every step: points 10 to 79 are looked at, and the fall begins one before them
    losses = np.linspace(2.0, 1.0, 85)
    found = valley(LRS[:85], losses)
    assert found == pytest.approx(LRS[9 + 23 + 11])


def test_minimum_over_ten_divides_the_rate_of_the_lowest_loss() -> None:
    assert minimum_over_ten(LRS[:85], FALL) == pytest.approx(LRS[79] / 10)


def test_steepest_lies_where_the_smoothed_loss_falls_fastest() -> None:
    found = steepest_lr_finder(LRS[:85], FALL)
    assert found is not None
    assert LRS[60] < found < LRS[70]


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_ramp_that_broke_at_once_gives_a_peer_nothing(peer: object) -> None:
    assert peer.suggest(LRS[:12], np.ones(12)) is None  # type: ignore[attr-defined]


def test_a_task_begins_anew_with_every_iteration() -> None:
    workload = next(w for w in WORKLOADS if w.name == "denoising")
    torch.manual_seed(0)
    task = workload.build(0)
    loader = TaskLoader(task, 0)
    runs = [[loader.loss(b).item() for b in islice(loader, 5)] for _ in range(2)]
    assert runs[0] == runs[1]


def test_the_task_of_the_first_iteration_is_that_of_the_sweep() -> None:
    workload = next(w for w in WORKLOADS if w.name == "denoising")
    losses: list[list[float]] = []
    for _ in range(2):
        torch.manual_seed(0)
        task = workload.build(0)
        batches = islice(TaskLoader(task, 0), 3) if not losses else range(3)
        losses.append([task.loss().item() for _ in batches])
    assert losses[0] == losses[1]


def test_every_tool_is_asked_on_the_same_start() -> None:
    workload = next(w for w in WORKLOADS if w.key == "blobs_logreg/momentum")
    found = list(suggestions(workload, 0))
    assert len({s.tool for s in found}) == len(found) == 4 + len(PEERS)
    assert found[0].tool == OURS
    assert found[0].lr == pytest.approx(0.03, rel=0.5)


def test_a_training_is_made_once(tmp_path: Path) -> None:
    workload = next(w for w in WORKLOADS if w.key == "blobs_logreg/momentum")
    path, best = tmp_path / "kept.csv", Best(lr=0.03, final=0.1, initial=1.5)
    path.write_text(f"{workload.key},0,0.03,0.24\n")
    assert Trained(path).regret(workload, 0, 0.03, best) == pytest.approx(0.1)
    assert Trained(path).regret(workload, 0, None, best) == 1.0


def test_the_table_names_where_a_peer_was_better() -> None:
    tools = [OURS, "lrwatch, told of a decay", "lrwatch find SCRIPT", "peer"]
    regrets = {"a": [0.0, 0.0, 0.0, 0.5], "b": [0.3, 0.3, 0.3, 0.1]}
    results = [
        Result(tool, key, 0, 0.1, 100, regret)
        for key, row in regrets.items()
        for tool, regret in zip(tools, row, strict=True)
    ]
    lines = report(results).splitlines()
    assert lines[0].startswith("lrwatch ")
    assert "median  0.1500" in lines[0]
    assert lines[4].endswith("of 2 workloads, by more than (0.0, 0.005, 0.02): 1 1 1; b")


def test_held_out_workloads_are_none_of_those_that_the_search_was_made_on() -> None:
    assert not {w.key for w in HELD_OUT} & {w.key for w in WORKLOADS}
