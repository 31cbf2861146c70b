"""Labels follow from regret as stated, and the figures of a hand-made sweep are exact."""

import math
from pathlib import Path

import numpy as np
import pytest

from lrwatch.records import Side
from tests.benchmarks.figures import figures, macro_f1
from tests.benchmarks.judge import Judgement, peers, watcher
from tests.benchmarks.report import as_json, confusion_table, failures
from tests.benchmarks.sweep.store import Outcome
from tests.benchmarks.truth import LabelledRun, Truth, label, truth

RATES = (0.001, 0.01, 0.1, 1.0, 10.0)


def outcome(lr: float, final: float, initial: float = 2.0) -> Outcome:
    return Outcome("net/sgd", 0, "1", lr, 100, initial, final)


def rows(
    n_steps: int = 100, last: float = 1.0
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    found = np.ones((n_steps, 3))
    found[-1, 0] = last
    return found


def run(said: Truth | None, n_steps: int = 100) -> LabelledRun:
    return LabelledRun(outcome(0.1, 1.0), rows(), 0.0, said, n_steps)


def judgement(side: Side | None, step: int = 0, alarm: bool = False) -> Judgement:
    first = {} if side is None else {side: step}
    return Judgement(first, (("stall", step),) if alarm else (), side or "undecided")


@pytest.mark.parametrize(
    ("missed", "lr", "expected"),
    [
        (0.0, 0.1, "healthy"),
        (0.05, 1.0, "healthy"),
        (0.0501, 1.0, None),
        (0.2, 0.01, None),
        (0.2001, 0.01, "too_low"),
        (0.2001, 1.0, "too_high"),
        (math.inf, 1.0, "too_high"),
    ],
)
def test_truth_is_the_regret_and_the_side_of_the_best_rate(
    missed: float, lr: float, expected: Truth | None
) -> None:
    assert truth(missed, lr, best_lr=0.1) == expected


def test_regret_is_the_missed_share_of_the_best_gain() -> None:
    finals = (1.8, 1.1, 1.0, 1.04, 1.6)
    runs = label([(outcome(lr, f), rows()) for lr, f in zip(RATES, finals, strict=True)])
    assert [r.regret for r in runs] == pytest.approx([0.8, 0.1, 0.0, 0.04, 0.6])
    assert [r.truth for r in runs] == ["too_low", None, "healthy", "healthy", "too_high"]


def test_a_run_that_was_ever_non_finite_is_too_high_whatever_it_ended_at() -> None:
    best, blown = (outcome(0.1, 1.0), rows()), (outcome(1.0, 1.0), rows(40, last=math.nan))
    runs = label([blown, best])
    assert [r.truth for r in runs] == ["healthy", "too_high"]
    assert [r.n_steps for r in runs] == [100, 100]


def test_macro_f1_of_a_hand_made_confusion_is_exact() -> None:
    table: dict[tuple[Truth, Truth], int] = {
        ("too_high", "too_high"): 8,
        ("too_high", "healthy"): 2,
        ("healthy", "healthy"): 5,
        ("healthy", "too_low"): 1,
        ("too_low", "too_low"): 3,
        ("too_low", "too_high"): 1,
    }
    expected = (16 / (9 + 10) + 10 / (7 + 6) + 6 / (4 + 4)) / 3
    assert macro_f1(table) == pytest.approx(expected, rel=1e-15)


def test_macro_f1_is_one_for_a_judge_without_a_mistake() -> None:
    assert (
        macro_f1({("too_high", "too_high"): 1, ("healthy", "healthy"): 9, ("too_low",) * 2: 2}) == 1
    )


def test_figures_count_what_was_said_about_scored_runs_only() -> None:
    found = figures(
        [
            (run("healthy"), judgement(None)),
            (run("healthy"), judgement("too_low", 90, alarm=True)),
            (run("healthy"), judgement(None, 5, alarm=True)),
            (run("too_high"), judgement("too_high", 3)),
            (run("too_high"), judgement("too_low", 10)),
            (run("too_low"), judgement("too_low", 20)),
            (run(None), judgement("too_high", 1, alarm=True)),
        ]
    )
    assert (found.n_healthy, found.accused, found.alarmed) == (3, 1, 2)
    assert (found.n_wrong, found.wrong_side) == (3, 1)
    assert sum(found.confusion.values()) == 6


@pytest.mark.parametrize(
    ("steps", "expected"),
    [([10, 20, 60], 0.2), ([10, 20, None], 0.2), ([10, None, None], math.inf), ([4, 30], 0.04)],
)
def test_delay_is_when_half_of_all_runs_are_named_never_ones_included(
    steps: list[int | None], expected: float
) -> None:
    said = [judgement(None if s is None else "too_high", s or 0) for s in steps]
    assert figures([(run("too_high"), s) for s in said]).delay["too_high"] == expected


def test_delay_is_a_share_of_the_whole_run_not_of_the_part_before_a_crash() -> None:
    blown = LabelledRun(outcome(10.0, math.inf), rows(30), math.inf, "too_high", 1000)
    assert figures([(blown, judgement("too_high", 10))]).delay["too_high"] == 0.01


def test_the_first_of_two_sides_is_the_verdict() -> None:
    assert Judgement({"too_low": 30, "too_high": 12}, (), "healthy").verdict == "too_high"


def test_confusion_table_has_truth_down_and_verdict_across() -> None:
    found = figures([(run("too_low"), judgement("too_high")), (run("healthy"), judgement(None))])
    assert confusion_table(found).split("\n") == [
        "truth / called    too_high   healthy   too_low",
        "too_high                 0         0         0",
        "healthy                  0         1         0",
        "too_low                  1         0         0",
    ]


def test_failures_show_truth_and_verdict_of_every_rate_of_a_failing_workload() -> None:
    judged = [
        (run("too_low"), judgement("too_low")),
        (run(None), judgement(None)),
        (run("healthy"), judgement("too_high")),
    ]
    (shown,) = failures(judged)
    assert [line.split()[-1] for line in shown.splitlines()] == ["c.o", "coH", "^"]


def test_figures_as_json_have_no_number_that_json_cannot_hold() -> None:
    kept = as_json(figures([(run("too_high"), judgement(None))]))
    assert kept["delay"] == {"too_high": "Infinity", "too_low": "NaN"}
    assert kept["confusion"] == {"too_high as healthy": 1}


def test_a_watcher_is_asked_step_by_step_and_its_first_alarm_is_kept() -> None:
    descent = np.column_stack([np.linspace(2.0, 1.0, 300), np.ones(300), np.full(300, 0.1)])
    descent[290:, 0] = math.nan
    said = watcher(descent)
    assert said.alarms[0] == ("non_finite", 290)


def test_a_peer_rule_speaks_once_and_slow_rules_mean_too_low(tmp_path: Path) -> None:
    (tmp_path / "peer_rules.py").write_text(
        "class At:\n"
        "    def fire(self, step, loss, norm): return step >= 7 or loss != loss\n"
        "def all_baselines(total=9): return {'plateau': At(), 'spike': At()}\n"
    )
    rules = peers(tmp_path)
    assert rules["plateau"](rows()).first == {"too_low": 7}
    assert rules["spike"](rows()).first == {"too_high": 7}
    assert rules["plateau"](rows(3, last=math.nan)).first == {"too_high": 2}


def test_without_peer_rules_there_are_no_peers(tmp_path: Path) -> None:
    assert peers(tmp_path) == {}
