"""Optuna: ``create_study(pruner=LrwatchPruner())`` prunes trials whose rate is too high."""

from typing import Any

from optuna.pruners import BasePruner
from optuna.study import StudyDirection

from lrwatch.reviewing.reported import VERDICT, Reported


class LrwatchPruner(BasePruner):
    """Prunes a trial that is lost, as far as its reports or its own watch show.

    Reports are training losses: ``trial.report(loss, step)``. A trial that watches itself says
    ``trial.set_user_attr("lrwatch", watch.verdict)``: it has seen every step, and its reports may
    then be anything, such as an accuracy to be maximized. Nothing is remembered between calls, so
    that it works with any storage and any number of processes; about 10 us a report.

    Does not tell a slow trial from a good one: that is the business of the wrapped pruner.

    Args:
        wrapped_pruner: Asked where this one sees no reason to prune; None for none.
    """

    def __init__(self, wrapped_pruner: BasePruner | None = None) -> None:
        if wrapped_pruner is not None and not isinstance(wrapped_pruner, BasePruner):
            kind = type(wrapped_pruner).__name__
            raise TypeError(f"wrapped_pruner must be a pruner of Optuna, got {kind}")
        self._wrapped = wrapped_pruner

    def prune(self, study: Any, trial: Any) -> bool:
        """Whether to prune this trial now."""
        if trial.user_attrs.get(VERDICT) == "too_high":
            return True
        if study.direction == StudyDirection.MINIMIZE and _is_lost(trial.intermediate_values):
            return True
        return self._wrapped is not None and self._wrapped.prune(study, trial)


def _is_lost(losses: dict[int, float]) -> bool:
    run = Reported()
    return any([run.is_lost({"loss": losses[step]}) for step in sorted(losses)])
