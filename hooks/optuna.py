"""Optuna: ``create_study(pruner=LrwatchPruner())`` prunes trials whose rate is too high."""

from collections import OrderedDict
from typing import Any

from optuna.pruners import BasePruner
from optuna.study import StudyDirection

from lrwatch.reviewing.reported import VERDICT, Reported

_MAX_TRIALS = 64


class LrwatchPruner(BasePruner):
    """Prunes a trial that is lost, as far as its reports or its own watch show.

    Reports are training losses: ``trial.report(loss, step)``. A trial that watches itself says
    ``trial.set_user_attr("lrwatch", watch.verdict)``: it has seen every step, and its reports may
    then be anything, such as an accuracy to be maximized. About 10 us a report. The trials asked
    about last are remembered; where one goes on in another process its reports are read again, so
    that it works with any storage and any number of processes.

    Does not tell a slow trial from a good one: that is the business of the wrapped pruner.

    Args:
        wrapped_pruner: Asked where this one sees no reason to prune; None for none.

    Raises:
        TypeError: If ``wrapped_pruner`` is no pruner.
    """

    def __init__(self, wrapped_pruner: BasePruner | None = None) -> None:
        if wrapped_pruner is not None and not isinstance(wrapped_pruner, BasePruner):
            kind = type(wrapped_pruner).__name__
            raise TypeError(f"wrapped_pruner must be a pruner of Optuna, got {kind}")
        self._wrapped = wrapped_pruner
        self._judged: OrderedDict[tuple[str, int], _Judged] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        """All but the memory of this process."""
        return {**self.__dict__, "_judged": OrderedDict()}

    def prune(self, study: Any, trial: Any) -> bool:
        """Whether to prune this trial now."""
        if trial.user_attrs.get(VERDICT) == "too_high":
            return True
        if study.direction == StudyDirection.MINIMIZE and self._is_lost(study, trial):
            return True
        return self._wrapped is not None and self._wrapped.prune(study, trial)

    def _is_lost(self, study: Any, trial: Any) -> bool:
        key, losses = (study.study_name, trial.number), trial.intermediate_values
        judged = self._judged.pop(key, None)  # so that no other thread has it meanwhile
        if judged is None or not judged.go_on(losses):
            judged = _Judged()
            judged.go_on(losses)
        if judged.run.reason is not None:
            return True
        self._judged[key] = judged
        if len(self._judged) > _MAX_TRIALS:
            self._judged.popitem(last=False)
        return False


class _Judged:
    """The reports of one trial, in the order of their steps, judged up to one of these."""

    def __init__(self) -> None:
        self.run = Reported()
        self._step = -1
        self._loss: float | None = None

    def go_on(self, losses: dict[int, float]) -> bool:
        """Judge what came later; False where what was judged is not what these begin with."""
        later = sorted(step for step in losses if step > self._step)
        n_before, loss = len(losses) - len(later), losses.get(self._step)
        if n_before != self.run.n_results or loss != self._loss:
            return False
        for self._step in later:
            self._loss = losses[self._step]
            self.run.is_lost({"loss": self._loss})
        return True
