"""The pruner ends trials of a study that are lost, and no others."""

import pickle
import random
from collections.abc import Callable
from typing import Any

import optuna
import pytest
import torch
from optuna.trial import TrialState

import lrwatch
from lrwatch.hooks.optuna import LrwatchPruner
from lrwatch.reviewing.reported import Reported
from tests.frameworks.tiny import batches, linear

optuna.logging.set_verbosity(optuna.logging.ERROR)

RATES = [0.01, 0.1, 0.3, 3.0, 10.0]


def sweep(report: Callable[[Any, float, int, lrwatch.Watch], None], **settings: Any) -> Any:
    """A study of rates of which the last two diverge."""

    def objective(trial: Any) -> float:
        model = linear()
        rate = trial.suggest_categorical("lr", RATES)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        with lrwatch.attach(optimizer, run_dir=False, stderr=False) as watch:
            for step, (x, y) in enumerate(batches(60)):
                optimizer.zero_grad()
                loss = ((model(x) - y) ** 2).mean()
                loss.backward()
                optimizer.step()
                report(trial, loss.item(), step, watch)
                if trial.should_prune():
                    raise optuna.TrialPruned
        return float(loss)

    sampler = optuna.samplers.GridSampler({"lr": RATES}, seed=0)
    study = optuna.create_study(sampler=sampler, **settings)
    study.optimize(objective, n_trials=len(RATES))
    return study


def pruned(study: Any) -> list[float]:
    gone = study.get_trials(states=[TrialState.PRUNED])
    return sorted(trial.params["lr"] for trial in gone)


def test_trials_that_diverge_are_pruned_by_their_reports() -> None:
    study = sweep(lambda trial, loss, step, _: trial.report(loss, step), pruner=LrwatchPruner())
    assert pruned(study) == [3.0, 10.0]
    lengths = [trial.last_step for trial in study.get_trials(states=[TrialState.PRUNED])]
    assert max(lengths) < 30


def test_a_watch_in_the_trial_prunes_it_whatever_is_reported() -> None:
    def report(trial: Any, loss: float, step: int, watch: lrwatch.Watch) -> None:
        trial.report(-min(loss, 1e30) if loss == loss else 0.0, step)
        trial.set_user_attr("lrwatch", watch.verdict)

    study = sweep(report, pruner=LrwatchPruner(), direction="maximize")
    assert pruned(study) == [3.0, 10.0]


def test_the_wrapped_pruner_is_asked_about_the_rest() -> None:
    above_a_thousandth = optuna.pruners.ThresholdPruner(upper=1e-3)
    pruner = LrwatchPruner(above_a_thousandth)
    study = sweep(lambda trial, loss, step, _: trial.report(loss, step), pruner=pruner)
    assert pruned(study) == RATES


def test_something_else_than_a_pruner_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="wrapped_pruner must be a pruner of Optuna, got float"):
        LrwatchPruner(0.5)


def falling(n: int) -> list[float]:
    noise = random.Random(0)
    return [2 / (i + 1) + 0.01 * noise.random() for i in range(n)]


def tell(trial: Any, losses: dict[int, float]) -> bool:
    """Report, and ask."""
    for step, loss in losses.items():
        trial.report(loss, step)
    return bool(trial.should_prune())


@pytest.fixture
def n_judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many reports each reading took."""
    counts: list[int] = []

    class Counting(Reported):
        def __init__(self) -> None:
            super().__init__()
            self.index = len(counts)
            counts.append(0)

        def is_lost(self, result: Any) -> bool:
            counts[self.index] += 1
            return super().is_lost(result)

    monkeypatch.setattr("lrwatch.hooks.optuna.Reported", Counting)
    return counts


def test_each_report_is_judged_once(n_judged: list[int]) -> None:
    study = optuna.create_study(pruner=LrwatchPruner())
    trials = [study.ask(), study.ask()]
    for step, loss in enumerate(falling(200)):
        assert not any(tell(trial, {step: loss}) for trial in trials)
    assert n_judged == [200, 200]


@pytest.mark.parametrize("order", [[*range(100)], [*range(1, 100), 0], [*range(99, -1, -1)]])
def test_reports_out_of_order_are_judged_as_those_in_order(order: list[int]) -> None:
    study = optuna.create_study(pruner=LrwatchPruner())
    rising = [1.2 * 1.5**i for i in range(100)]
    lost, falls = study.ask(), study.ask()
    assert [tell(lost, {step: rising[step]}) for step in order][-1]
    assert tell(lost, {})
    tell(falls, {step: falling(100)[step] for step in order[:50]})
    assert not tell(falls, {step: falling(100)[step] for step in order[50:]})


def test_a_pruner_in_another_process_reads_again(n_judged: list[int]) -> None:
    study = optuna.create_study(pruner=LrwatchPruner())
    trial = study.ask()
    tell(trial, dict(enumerate(falling(50))))
    study.pruner = pickle.loads(pickle.dumps(study.pruner))
    tell(trial, {50: 0.04})
    assert n_judged == [50, 51]


def test_the_trial_of_another_study_of_that_name_is_another(n_judged: list[int]) -> None:
    pruner = LrwatchPruner()
    for factor in (1.0, 2.0):
        study = optuna.create_study(study_name="mine", pruner=pruner)
        tell(study.ask(), {step: factor * loss for step, loss in enumerate(falling(30))})
    assert n_judged == [30, 30]


def test_only_the_last_trials_are_remembered(n_judged: list[int]) -> None:
    study = optuna.create_study(pruner=LrwatchPruner())
    trials = [study.ask() for _ in range(65)]
    for trial in trials:
        tell(trial, {0: 1.0})
    tell(trials[-1], {1: 0.5})
    tell(trials[0], {1: 0.5})
    assert n_judged == [1] * 64 + [2, 2]
