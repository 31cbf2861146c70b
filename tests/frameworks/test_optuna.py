"""The pruner ends trials of a study that are lost, and no others."""

from collections.abc import Callable
from typing import Any

import optuna
import pytest
import torch
from optuna.trial import TrialState

import lrwatch
from lrwatch.hooks.optuna import LrwatchPruner
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
