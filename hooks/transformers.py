"""Hugging Face Transformers: ``Trainer(callbacks=[LrwatchCallback()])`` watches its training."""

import os
from typing import Any

from transformers.trainer_callback import ExportableState, TrainerCallback

from lrwatch.errors import LrwatchError
from lrwatch.loop.frameworks.harmless import harmless
from lrwatch.loop.frameworks.watches import Watching


class LrwatchCallback(Watching, TrainerCallback, ExportableState):
    """Watches a Trainer, and with ``backoff`` acts on it.

    The loss is that of every step, as it went backward: ``logging_nan_inf_filter``, which keeps
    NaN out of the Trainer's own log, has no say. Its state is kept in the ``trainer_state.json`` of
    every checkpoint: a training that is resumed goes on being judged. A back-off that gives the run
    up sets ``control.should_training_stop``.

    The settings are those of :class:`lrwatch.loop.frameworks.settings.Settings`, as arguments. It
    writes to ``run_dir``, else ``LRWATCH_RUN_DIR``, else
    ``TENSORBOARD_LOGGING_DIR``, else the ``output_dir`` of the TrainingArguments.

    Raises:
        TypeError: If a setting is of another kind.
        ValueError: If one is out of its range.
    """

    _stopped = False

    def __getattr__(self, name: str) -> Any:
        """Tell another framework's trainer, which looks for its own methods, what this is."""
        raise AttributeError(
            f"lrwatch.hooks.transformers.LrwatchCallback has no {name!r}: it is for the Trainer of "
            "Transformers; other frameworks have their own in lrwatch.hooks"
        )

    @harmless
    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Attach; a checkpoint has been loaded by now."""

        def stop(error: LrwatchError) -> None:
            self._stopped = True

        self._stopped = False
        optimizer = kwargs.get("optimizer")
        self._watches.open(
            [] if optimizer is None else [optimizer],
            kwargs.get("model"),
            log_dir=os.environ.get("TENSORBOARD_LOGGING_DIR") or args.output_dir,
            writes=state.is_world_process_zero,
            stop=stop,
            total_steps=state.max_steps if state.max_steps > 0 else None,
            pretrained=_is_pretrained(kwargs.get("model")),
        )
        if state.global_step:
            self._watches.load_state_dict(_kept(state), state.global_step)
        # The Trainer's next save looks this entry up, and fails where a checkpoint had none.
        state.stateful_callbacks.setdefault(type(self).__name__, self.state())

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Hand a stop on."""
        if self._stopped:
            control.should_training_stop = True

    @harmless
    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Judge what is left, and take the hooks away."""
        self._watches.close()

    def state(self) -> dict[str, Any]:
        """What the Trainer keeps in a checkpoint."""
        return {
            "args": self.as_dict(),
            "attributes": {"exported": self._watches.state_dict()},
        }


def _is_pretrained(model: Any) -> bool:
    """Whether the model came from ``from_pretrained``, which leaves this name."""
    return bool(getattr(getattr(model, "config", None), "_name_or_path", ""))


def _kept(state: Any) -> dict[str, Any] | None:
    """What a checkpoint has of this callback; there may be several of its kind."""
    kept = state.stateful_callbacks.get(LrwatchCallback.__name__)
    kept = kept[0] if isinstance(kept, list) and kept else kept
    found: dict[str, Any] | None = kept["attributes"].get("exported") if kept else None
    return found
