"""Ray: ``attach`` in a training function, a stopper for Tune, and a callback for Train."""

import logging
from collections.abc import Mapping
from typing import Any

from ray import train, tune

import lrwatch
from lrwatch.loop.frameworks.settings import as_backoff, or_default
from lrwatch.reviewing.reported import Reported

logger = logging.getLogger("lrwatch")

_MAX_TRIALS = 1000


def attach(
    optimizer: Any,
    model: Any = None,
    *,
    run_dir: str | bool | None = None,
    backoff: bool | Mapping[str, Any] | lrwatch.Backoff = False,
    **settings: Any,
) -> lrwatch.Watch:
    """Watch an optimizer in a function that Tune or Train runs; as ``lrwatch.attach`` otherwise.

    ``tune.report({"loss": ..., "lrwatch": watch.verdict})`` hands on what it sees of every step. Of
    the workers of Train the first one writes: to ``run_dir``, else ``LRWATCH_RUN_DIR``, else the
    directory of the trial, or of the run of Train where that is on this machine. A back-off that
    gives the run up raises ``TrainingStoppedError`` out of ``optimizer.step()``, on all workers.

    Args:
        optimizer: Of the training function.
        model: Its model, whose buffers a rewind brings back; None: with back-off, the module
            of this process that has all of these weights.
        run_dir: Where to write; False: nowhere.
        backoff: Whether to act on alerts; a ``Backoff``, or a mapping of its fields, sets bounds.
        **settings: More for ``lrwatch.attach``: ``name``, ``total_steps`` and so on.

    Raises:
        TypeError: If ``optimizer`` is none.
        ValueError: If another argument is out of its range.
    """
    place = or_default(run_dir, tune.get_context().get_trial_dir() or _train_dir())
    return lrwatch.attach(optimizer, model, run_dir=place, backoff=as_backoff(backoff), **settings)


class LrwatchStopper(tune.Stopper):
    """Ends the trials that are lost to a rate too high: ``RunConfig(stop=LrwatchStopper())``.

    What it knows of a trial goes with its last result. Tune does not tell which ones a scheduler
    ended: the thousand that reported last are known, and one that is not is judged as a new one.

    Args:
        metric: Name of the training loss among the results.
        lr: Name of the learning rate, where it is reported.
        grad_norm: Name of the gradient norm, where it is reported.

    Attributes:
        stopped: Why each of the trials was ended, by its id.

    Raises:
        ValueError: When it is called, if the metric is not among the results.
    """

    def __init__(self, metric: str = "loss", lr: str = "lr", grad_norm: str = "grad_norm") -> None:
        self._names = (metric, lr, grad_norm)
        self._trials: dict[str, Reported] = {}
        self.stopped: dict[str, str] = {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Whether this trial is to end now."""
        if trial_id in self.stopped:
            return True
        trial = self._trials.pop(trial_id, None) or Reported(*self._names)
        try:
            is_lost = trial.is_lost(result)
        except KeyError as error:
            raise ValueError(f"LrwatchStopper: {error.args[0]}") from None
        if is_lost:
            self.stopped[trial_id] = str(trial.reason)
            logger.warning("trial %s is ended: %s", trial_id, trial.reason)
        elif not result.get("done"):
            self._keep(trial_id, trial)
        return is_lost

    def _keep(self, trial_id: str, trial: Reported) -> None:
        self._trials[trial_id] = trial
        if len(self._trials) > _MAX_TRIALS:
            del self._trials[next(iter(self._trials))]

    def stop_all(self) -> bool:
        """Never: the other trials go on."""
        return False


class LrwatchCallback(train.UserCallback):
    """Judges what the workers of Train report: ``RunConfig(callbacks=[LrwatchCallback()])``.

    It sees one result a report, as the mean of the workers' losses; ``attach`` in the training
    function sees every step. It runs where the run is controlled, only tells, and never ends it.

    Args:
        metric: Name of the training loss among the results.
    """

    def __init__(self, metric: str = "loss") -> None:
        self._metric, self._run = metric, Reported(metric)
        self._told = False

    def after_report(
        self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Any
    ) -> None:
        """Take one report of all workers into account; tell once if the run is lost."""
        losses = [float(m[self._metric]) for m in metrics if m.get(self._metric) is not None]
        if losses and not self._told:
            mean = sum(losses) / len(losses)
            self._told = self._run.is_lost({**metrics[0], self._metric: mean})
            if self._told:
                logger.warning("this run is lost: %s", self._run.reason)


def _train_dir() -> str | None:
    try:
        storage = train.get_context().get_storage()
    except Exception:  # outside of a worker of Train, which versions of Ray say in several ways
        return None
    is_here = storage.storage_filesystem.type_name == "local"
    return str(storage.experiment_fs_path) if is_here else None
