"""Shares of advised rates that are good ones, on a hand-made sweep."""

from dataclasses import replace

import numpy as np

from lrwatch.records import Side, Step
from tests.benchmarks.advised import lines
from tests.benchmarks.judge import Judgement, watcher
from tests.benchmarks.sweep.store import Outcome
from tests.benchmarks.truth import LabelledRun, Truth
from tests.detectors.streams import thrown

TRUTHS: dict[float, Truth | None] = {
    0.001: "too_low",
    0.01: "too_low",
    0.1: "healthy",
    1.0: None,
    10.0: "too_high",
    100.0: "too_high",
}


def runs(name: str = "net/sgd") -> list[LabelledRun]:
    outcome = Outcome(name, 0, "1", 1.0, 100, 2.0, 1.0)
    return [
        LabelledRun(replace(outcome, lr=lr), np.ones((100, 3)), 0.0, truth, 100)
        for lr, truth in TRUTHS.items()
    ]


def says(side: Side | None, to_try: tuple[float, float] | None) -> Judgement:
    return Judgement({} if side is None else {side: 3}, (), side or "healthy", to_try)


def test_each_advised_rate_is_looked_up_in_its_own_sweep() -> None:
    judged = [
        (run, says(run.truth, (0.01, 0.001)))
        if run.truth == "too_high"
        else (run, says("too_low", (10.0, 100.0)))
        for run in runs()
    ]
    high, low = lines(judged)
    # From 10 and 100 a hundredth is 0.1 and 1, a thousandth 0.01 and 0.1.
    assert "   2 runs; the first rate is healthy 50 %, too_low 0 % of 2 (at 1/3" in high
    assert "the next healthy 50 %, too_low 50 % of 2 (at 1/10" in high
    # From 0.001 and 0.01 ten times is 0.01 and 0.1, a hundred times 0.1 and 1.
    assert "   2 runs; the first rate is healthy 50 %, too_high 0 % of 2 (at 3 times" in low
    assert "the next healthy 50 %, too_high 0 % of 2 (at 10 times" in low


def test_runs_of_another_workload_or_side_do_not_count_nor_rates_beyond_the_last() -> None:
    judged = [(run, says("too_high", (0.01, 1e-9))) for run in runs("net/sgd") + runs("net/adam")]
    high, low = lines(judged)
    assert "   4 runs; the first rate is healthy 50 %, too_low 0 % of 4" in high
    assert "the next healthy 0 %, too_low 0 % of 0" in high
    assert "   0 runs" in low


def test_the_watcher_s_factors_are_those_of_its_first_accusation() -> None:
    def factors(thrown_steps: list[Step]) -> tuple[float, float] | None:
        rows = [(s.loss, s.grad_norm, 0.3) for s in thrown_steps]
        return watcher(np.array(rows, dtype=np.float64)).to_try

    said = factors(thrown(0))
    assert said is not None
    assert np.allclose(said, (1 / 30, 1 / 100))
    assert factors([replace(s, loss=1.0, grad_norm=1.0) for s in thrown(0)[:60]]) is None
