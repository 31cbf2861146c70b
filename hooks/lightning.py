"""Lightning: ``Trainer(callbacks=[LrwatchCallback()])`` watches every optimizer of a fit."""

import math
from typing import Any

try:
    from lightning.pytorch import Callback
except ModuleNotFoundError:  # the same framework under its older name
    from pytorch_lightning import Callback

from lrwatch.errors import LrwatchError
from lrwatch.loop.frameworks.harmless import harmless
from lrwatch.loop.frameworks.watches import Watching


class LrwatchCallback(Watching, Callback):
    """Watches a fit, and with ``backoff`` acts on it.

    Automatic and manual optimization, accumulation, clipping and every precision are seen as
    ``lrwatch.attach`` sees them; several optimizers get a folder each. Its state is part of the
    checkpoint: a fit that is resumed goes on being judged. A back-off that gives the run up sets
    ``trainer.should_stop``. ``Trainer(fast_dev_run=True)`` writes nothing.

    The settings are those of :class:`lrwatch.loop.frameworks.settings.Settings`, as arguments. It
    writes to ``run_dir``, else ``LRWATCH_RUN_DIR``, else the directory of the first
    logger, else the trainer's ``default_root_dir``.

    Raises:
        TypeError: If a setting is of another kind.
        ValueError: If one is out of its range.
    """

    _resumed: dict[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        """Tell another framework's trainer, which looks for its own methods, what this is."""
        raise AttributeError(
            f"lrwatch.hooks.lightning.LrwatchCallback has no {name!r}: it is for the Trainer of "
            "Lightning; other frameworks have their own in lrwatch.hooks"
        )

    @harmless
    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Attach; a checkpoint has been loaded by now."""

        def stop(error: LrwatchError) -> None:
            trainer.should_stop = True

        log_dir = trainer.log_dir  # a broadcast: every rank has to ask
        self._watches.open(
            trainer.optimizers,
            pl_module,
            log_dir=log_dir or trainer.default_root_dir,
            writes=trainer.is_global_zero and not trainer.fast_dev_run,
            stop=stop,
            total_steps=_planned(trainer) if pl_module.automatic_optimization else None,
        )
        # With several optimizers the trainer counts the steps of all of them together.
        n_steps = trainer.global_step // max(1, len(trainer.optimizers))
        self._watches.load_state_dict(self._resumed, n_steps)
        self._resumed = None

    @harmless
    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Judge what is left, and take the hooks away."""
        self._watches.close()

    @harmless
    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Take the hooks away, as ``on_train_end`` is not called then."""
        self._watches.close()

    def state_dict(self) -> dict[str, Any]:
        """What Lightning keeps in a checkpoint."""
        return self._watches.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the state until the optimizers are there."""
        self._resumed = state_dict


def _planned(trainer: Any) -> int | None:
    planned = trainer.estimated_stepping_batches
    return int(planned) if math.isfinite(planned) and planned > 0 else None
