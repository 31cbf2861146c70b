"""Ultralytics: ``attach(YOLO("yolo26n.pt"))`` watches the trainings of a model.

Nothing of Ultralytics is imported here: it calls what was added to its events.
"""

import os
from typing import Any

from lrwatch.errors import LrwatchError
from lrwatch.loop.frameworks import image_trainer, image_workers
from lrwatch.loop.frameworks.harmless import harmless
from lrwatch.loop.frameworks.image_loss import ImageLoss
from lrwatch.loop.frameworks.watches import Watching

_EVENTS = (
    "on_pretrain_routine_start",
    "on_train_start",
    "on_train_epoch_start",
    "on_model_save",
    "on_train_end",
    "teardown",
)


def attach(model: Any, **settings: Any) -> "TrainingWatch":
    """Watch every training that ``model.train(...)`` starts.

    Args:
        model: A model of Ultralytics (``YOLO``, ``RTDETR``, ...), or a trainer of its.
        **settings: Those of :class:`lrwatch.loop.frameworks.settings.Settings`.

    Raises:
        TypeError: If ``model`` is none.
        ValueError: If a setting is out of its range.
    """
    if not callable(getattr(model, "add_callback", None)):
        kind = type(model).__name__
        raise TypeError(f"model must be of ultralytics, such as YOLO('yolo26n.yaml'), got {kind}")
    watch = TrainingWatch(**settings)
    for event in _EVENTS:
        model.add_callback(event, getattr(watch, event))
    image_workers.go_along(_attaching)
    return watch


class TrainingWatch(Watching):
    """Watches a training, and with ``backoff`` acts on it.

    The loss of a step is that of an image: Ultralytics sums over the batch, and with ``nbs`` over
    several batches, more of them as the warm-up goes on. Warm-up and schedule are left as they
    are; a back-off scales what they set, in all groups. When Ultralytics finds NaN and goes back
    to ``last.pt``, that is noted and the training judged on. A back-off that gives the run up sets
    ``trainer.stop``: the epoch is validated and saved. What it remembers lies beside ``last.pt``,
    for ``resume=True``; ``results.csv`` is left alone. With several devices it goes along to the
    workers, also in versions that drop callbacks there.

    The settings are those of :class:`lrwatch.loop.frameworks.settings.Settings`, as arguments. It
    writes to ``run_dir``, else ``LRWATCH_RUN_DIR``, else the trainer's ``save_dir``.
    """

    _asked_for: tuple[str, float] = ("", 0.0)
    _n_recoveries = 0
    _saved_at = 0

    def __reduce__(self) -> tuple[type["TrainingWatch"], tuple[Any, ...]]:
        return type(self), tuple(self.as_dict().values())

    @harmless
    def on_pretrain_routine_start(self, trainer: Any) -> None:
        """Remember what was asked for, before ``optimizer=auto`` replaces it."""
        self._asked_for = (str(trainer.args.optimizer), trainer.args.lr0)

    @harmless
    def on_train_start(self, trainer: Any) -> None:
        """Attach; a checkpoint has been loaded by now."""

        def stop(error: LrwatchError) -> None:
            trainer.stop = True

        self._n_recoveries = 0
        self._watches.open(
            [trainer.optimizer],
            trainer.model,
            log_dir=trainer.save_dir,
            writes=os.environ.get("RANK", "-1") in ("-1", "0"),
            stop=stop,
            total_steps=image_trainer.planned_steps(trainer),
            pretrained=image_trainer.is_pretrained(trainer),
        )
        if trainer.start_epoch:
            n_steps = image_trainer.n_steps(trainer, trainer.start_epoch)
            self._watches.load_state_dict(image_trainer.kept(trainer), n_steps)
        ImageLoss(trainer)
        if line := image_trainer.ignored(trainer, *self._asked_for):
            self._watches.say(line)

    @harmless
    def on_train_epoch_start(self, trainer: Any) -> None:
        """Note it when Ultralytics went back to its checkpoint because of NaN."""
        n_recoveries = getattr(trainer, "nan_recovery_attempts", 0)
        if n_recoveries > self._n_recoveries:
            self._watches.went_back(
                self._saved_at, f"Ultralytics found NaN and reloaded last.pt ({n_recoveries} of 3)"
            )
        self._n_recoveries = n_recoveries

    @harmless
    def on_model_save(self, trainer: Any) -> None:
        """Keep beside ``last.pt`` what it takes to go on judging."""
        self._saved_at = max(self._watches.n_steps, default=0)
        image_trainer.keep(trainer, self._watches.state_dict())

    @harmless
    def on_train_end(self, trainer: Any) -> None:
        """Judge what is left, and take the hooks away."""
        self._watches.close()

    teardown = on_train_end


def _attaching(trainer: Any) -> str | None:
    """The code that attaches to a trainer as this one is attached to."""
    for callback in trainer.callbacks.get("on_train_start", []):
        if isinstance(watch := getattr(callback, "__self__", None), TrainingWatch):
            return f"__import__({__name__!r}, fromlist=['']).attach(trainer, **{watch.as_dict()!r})"
    return None
