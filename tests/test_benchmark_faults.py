"""A fault changes nothing before its step, and the score of faults is exact."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.benchmarks.faults.__main__ import kinds, make
from tests.benchmarks.faults.kinds import CORRUPTION, KINDS, rectified
from tests.benchmarks.faults.score import line, score
from tests.benchmarks.faults.store import UNHARMED, Case, cases, rows
from tests.benchmarks.judge import Judgement
from tests.benchmarks.sweep.training import Run, train
from tests.benchmarks.sweep.workloads import WORKLOADS

BY_KEY = {w.key: w for w in WORKLOADS}
TINY = replace(BY_KEY["sets/adam"], n_steps=30)
AT = 12


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def harmed(kind: str) -> Run:
    return train(TINY, seed=0, lr=0.01, before_step=KINDS[kind](AT, 0))


def case(kind: str, final: float = 0.1, at: int = AT) -> Case:
    return Case("net/sgd", 0, kind, at, 0.1, 100, 1.0, final, 0.1)


def alarmed(*steps: int, kind: str = "divergence") -> Judgement:
    return Judgement({}, tuple((kind, step) for step in steps), "undecided")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_changes_the_run_from_its_step_on_and_not_before(kind: str) -> None:
    twin, run = train(TINY, seed=0, lr=0.01), harmed(kind)
    assert np.array_equal(run.rows[:AT], twin.rows[:AT])
    first = AT + (kind == "frozen_weights")
    assert not np.array_equal(run.rows[first : first + 3], twin.rows[first : first + 3])


@pytest.mark.parametrize(("kind", "factor"), [("rate_x10", 10), ("rate_x100", 100)])
def test_a_faulty_rate_is_reported_as_it_was(kind: str, factor: float) -> None:
    rates = harmed(kind).rows[:, 2]
    assert rates.tolist() == pytest.approx([0.01] * AT + [0.01 * factor] * (30 - AT))


def test_one_batch_is_corrupted_and_the_next_is_right_again() -> None:
    bad, data = KINDS["corrupted_batch"](AT, 0), TINY.build(0)
    seen = []
    for step in range(AT - 1, AT + 3):
        bad(step, data, torch.optim.SGD(data.model.parameters()))
        seen.append(float(data.x.abs().sum()))  # type: ignore[attr-defined]
    assert seen == pytest.approx([seen[0], CORRUPTION * seen[0], seen[0], seen[0]])


def test_a_batch_of_nan_ends_the_run_there() -> None:
    run = harmed("nan_batch")
    assert np.isfinite(run.rows[:AT]).all()
    assert np.isnan(run.rows[AT, 0])


def test_frozen_weights_stay_as_they_were_at_the_fault() -> None:
    before = train(replace(TINY, n_steps=AT), seed=0, lr=0.01).final
    task, frozen = TINY.build(0), KINDS["frozen_weights"](0, 0)
    optimizer = torch.optim.SGD(task.model.parameters(), lr=1.0)
    start = task.evaluate()
    for step in range(3):
        frozen(step, task, optimizer)
        optimizer.zero_grad()
        task.loss().backward()
        optimizer.step()
    frozen(3, task, optimizer)
    assert task.evaluate() == start
    assert before != start


def test_dead_units_give_nothing_and_get_no_gradient() -> None:
    task = TINY.build(0)
    layer = rectified(task.model)
    assert layer is not None
    KINDS["dead_units"](0, 0)(0, task, torch.optim.SGD(task.model.parameters()))
    task.loss().backward()
    assert float(layer.get_parameter("weight").grad.abs().sum()) == 0  # type: ignore[union-attr]


def test_a_net_without_rectifiers_cannot_have_dead_ones() -> None:
    assert "dead_units" not in kinds(BY_KEY["sums_gru/rmsprop"], 0)
    assert list(kinds(TINY, 0)) == list(KINDS)


def test_folder_holds_each_fault_beside_its_twin_and_is_not_made_twice(tmp_path: Path) -> None:
    make(tmp_path, [TINY], [0])
    made = list(cases(tmp_path))
    make(tmp_path, [TINY], [0])
    assert list(cases(tmp_path)) == made
    assert [c.kind for c in made] == [UNHARMED, *KINDS]
    twin = rows(tmp_path, made[0])
    for one in made[1:]:
        assert 0.2 * 30 - 1 <= one.at <= 0.6 * 30
        assert np.array_equal(rows(tmp_path, one)[: one.at], twin[: one.at])
        assert one.twin_final == made[0].final


@pytest.mark.parametrize(
    ("final", "is_harmed"), [(0.1, False), (0.14, False), (0.15, True), (float("inf"), True)]
)
def test_a_run_is_harmed_if_it_ends_clearly_worse_than_its_twin(
    final: float, is_harmed: bool
) -> None:
    assert case("rate_x10", final).harmed is is_harmed


def test_score_counts_alerts_from_the_fault_on_within_the_window() -> None:
    said = [
        (case("rate_x10", final=0.9), alarmed(AT)),
        (case("rate_x10", final=0.9), alarmed(AT + 49, AT + 60)),
        (case("rate_x10"), alarmed(AT + 50, kind="stall")),
        (case("rate_x10"), alarmed(AT - 1)),
        (case("rate_x10", final=0.9), alarmed()),
    ]
    found = score(said, within=50)["rate_x10"]
    assert (found.n_runs, found.n_harmed) == (5, 3)
    assert (found.found, found.found_harmed, found.early) == (2, 2, 1)
    assert found.delays == [0, 49, 50]
    assert found.kinds == {"divergence": 2, "stall": 1}


def test_a_rate_called_too_high_counts_only_from_the_fault_on() -> None:
    said = [Judgement({"too_high": step}, (), "too_high") for step in (AT - 1, AT, AT + 90)]
    said += [Judgement({"too_low": AT}, (), "too_low"), alarmed()]
    found = score([(case("rate_x10"), one) for one in said], within=50)
    assert found["rate_x10"].too_high == 2


def test_any_alert_about_a_twin_is_a_false_one() -> None:
    found = score([(case(UNHARMED, at=100), alarmed(99)), (case(UNHARMED, at=100), alarmed())], 50)
    assert line(UNHARMED, found[UNHARMED], 50).endswith("alarmed 1 of 2")
