"""Ultralytics: ``attach(YOLO("yolo26n.pt"))`` watches the trainings of a model.

Nothing of Ultralytics is imported here: it calls what was added to its events.
"""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lrwatch.errors import LrwatchError
from lrwatch.loop.harmless import harmless
from lrwatch.loop.image_loss import ImageLoss
from lrwatch.loop.watches import Watching


def attach(model: Any, **settings: Any) -> "TrainingWatch":
    """Watch every training that ``model.train(...)`` starts.

    Args:
        model: A model of Ultralytics (``YOLO``, ``RTDETR``, ...), or a trainer of its.
        **settings: Those of :class:`lrwatch.loop.settings.Settings`.

    Raises:
        TypeError: If ``model`` is none.
        ValueError: If a setting is out of its range.
    """
    if not callable(getattr(model, "add_callback", None)):
        kind = type(model).__name__
        raise TypeError(f"model must be of ultralytics, such as YOLO('yolo26n.yaml'), got {kind}")
    watch = TrainingWatch(**settings)
    for event, callback in watch.callbacks().items():
        model.add_callback(event, callback)
    return watch


class TrainingWatch(Watching):
    """Watches a training, and with ``backoff`` acts on it.

    The loss of a step is that of an image: Ultralytics sums over the batch, and with ``nbs`` over
    several batches, more of them as the warm-up goes on. Warm-up and schedule are left as they
    are; a back-off scales what they set, in all groups. When Ultralytics finds NaN and goes back
    to ``last.pt``, that is noted and the training judged on. A back-off that gives the run up sets
    ``trainer.stop``: the epoch is validated and saved. What it remembers lies beside ``last.pt``,
    for ``resume=True``; ``results.csv`` is left alone. With several devices Ultralytics hands
    callbacks to its workers from 8.4.190 on at the latest, and drops them in older versions, which
    ``lrwatch run yolo ...`` watches all the same.

    The settings are those of :class:`lrwatch.loop.settings.Settings`, as arguments. It writes to
    ``run_dir``, else ``LRWATCH_RUN_DIR``, else the trainer's ``save_dir``.
    """

    _asked_for: tuple[str, float] = ("", math.nan)
    _n_recoveries = 0
    _saved_at = 0

    def __reduce__(self) -> tuple[type["TrainingWatch"], tuple[Any, ...]]:
        return type(self), tuple(self.as_dict().values())

    def callbacks(self) -> dict[str, Callable[[Any], None]]:
        """What belongs to which event of a trainer."""
        return {
            "on_pretrain_routine_start": self.on_pretrain_routine_start,
            "on_train_start": self.on_train_start,
            "on_train_epoch_start": self.on_train_epoch_start,
            "on_model_save": self.on_model_save,
            "on_train_end": self.close,
            "teardown": self.close,
        }

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
            total_steps=_planned(trainer),
            pretrained=not trainer.resume and _is_pretrained(trainer),
        )
        if trainer.start_epoch:
            self._watches.load_state_dict(_kept(trainer), _n_steps(trainer, trainer.start_epoch))
        ImageLoss(trainer)
        name, lr0 = self._asked_for
        if name.lower() == "auto":
            took = f"{trainer.args.optimizer} at {trainer.args.lr0:g}"
            self._watches.say(
                f"optimizer=auto took {took} and ignores lr0={lr0:g}: to set the rate, name the "
                "optimizer, too, as in optimizer=AdamW"
            )

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
        path = _beside(trainer)
        path.with_suffix(".part").write_text(json.dumps(self._watches.state_dict()))
        path.with_suffix(".part").replace(path)

    @harmless
    def close(self, trainer: Any) -> None:
        """Judge what is left, and take the hooks away."""
        self._watches.close()


def _planned(trainer: Any) -> int | None:
    """The number of steps; unknown where the training is limited by time."""
    return None if trainer.args.time else _n_steps(trainer, trainer.epochs) or None


def _n_steps(trainer: Any, epochs: int) -> int:
    return math.ceil(len(trainer.train_loader) * epochs / max(int(trainer.accumulate), 1))


def _is_pretrained(trainer: Any) -> bool:
    """Whether the weights come from a file."""
    model, pretrained = str(trainer.args.model), trainer.args.pretrained
    return isinstance(pretrained, (str, Path)) or (bool(pretrained) and model.endswith(".pt"))


def _beside(trainer: Any) -> Path:
    return Path(trainer.last).with_suffix(".lrwatch.json")


def _kept(trainer: Any) -> dict[str, Any] | None:
    try:
        kept: dict[str, Any] = json.loads(_beside(trainer).read_text())
    except (OSError, ValueError):
        return None
    return kept
