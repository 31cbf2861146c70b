"""Ignite: ``LrwatchHandler(optimizer).attach(trainer)`` watches what a trainer engine runs."""

import math
from typing import Any

import ignite.distributed as idist
from ignite.engine import Engine, Events
from ignite.handlers import FastaiLRFinder
from torch import nn

from lrwatch.errors import LrwatchError
from lrwatch.loop.frameworks.harmless import harmless
from lrwatch.loop.frameworks.watches import Watching


class LrwatchHandler(Watching):
    """Watches the optimizers of an engine, and with ``backoff`` acts on them.

    Several optimizers get a folder each. A back-off that gives the run up calls
    ``engine.terminate()``. For a run that is resumed it belongs into what ``Checkpoint`` saves:
    ``{"model": model, "optimizer": optimizer, "trainer": trainer, "watch": handler}``. Where the
    engine ends with an exception the hooks stay until the optimizer is attached to again, as an
    engine that has a handler for exceptions would swallow them. ``FastaiLRFinder`` is left alone.

    Args:
        *optimizers: One or more, as ``auto_optim`` gave them back or as it was given them.
        model: Their model, whose buffers a rewind brings back; None: with back-off, the module
            of this process that has all of these weights.
        **settings: Those of :class:`lrwatch.loop.frameworks.settings.Settings`. It writes to
            ``run_dir``, else as ``lrwatch.attach``.

    Raises:
        TypeError: If there is no optimizer, or a model in the place of one.
        ValueError: If a setting is out of its range.
    """

    def __init__(self, *optimizers: Any, model: Any = None, **settings: Any) -> None:
        if not optimizers:
            raise TypeError("LrwatchHandler needs an optimizer: LrwatchHandler(optimizer)")
        if any(isinstance(optimizer, nn.Module) for optimizer in optimizers):
            raise TypeError("a model is given by its name: LrwatchHandler(optimizer, model=model)")
        super().__init__(**settings)
        self._optimizers, self._model = optimizers, model
        self._resumed: dict[str, Any] | None = None
        self._ended_at = 0

    def attach(self, engine: Engine) -> None:
        """Add the handlers to the engine that trains.

        Raises:
            TypeError: If it is no engine.
        """
        if not isinstance(engine, Engine):
            raise TypeError(f"engine must be an ignite.engine.Engine, got {type(engine).__name__}")
        engine.add_event_handler(Events.STARTED, self.started)
        engine.add_event_handler(Events.COMPLETED, self.completed)
        engine.add_event_handler(Events.TERMINATE, self.completed)

    @harmless
    def started(self, engine: Engine) -> None:
        """Attach; a checkpoint has been loaded by now."""

        def stop(error: LrwatchError) -> None:
            engine.terminate()

        self._watches.close()
        if _looks_for_a_rate(engine):
            return
        state = engine.state
        n_batches = _batches_a_step(engine)
        planned = (state.max_epochs or 0) * (state.epoch_length or 0) / n_batches
        if self._resumed is None and state.iteration == self._ended_at:
            made = [{"v": 1, "n_steps": n} for n in self._watches.n_steps]
            self._resumed = {"v": 1, "watches": made} if made else None
        self._watches.open(
            self._optimizers,
            self._model,
            log_dir=None,
            writes=idist.get_rank() == 0,
            stop=stop,
            total_steps=int(planned) if 0 < planned < math.inf else None,
        )
        if self._resumed is not None or state.iteration:
            self._watches.load_state_dict(self._resumed, state.iteration // n_batches)
        self._resumed = None

    @harmless
    def completed(self, engine: Engine) -> None:
        """Judge what is left, and take the hooks away."""
        self._ended_at = engine.state.iteration
        self._watches.close()

    def state_dict(self) -> dict[str, Any]:
        """What ``Checkpoint`` keeps."""
        return self._watches.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the state until the engine starts."""
        self._resumed = state_dict


def _looks_for_a_rate(engine: Engine) -> bool:
    """Whether this is the ramp of a ``FastaiLRFinder``, which takes all back in the end."""
    owners = [getattr(one[0], "__self__", None) for one in engine._event_handlers[Events.STARTED]]
    return any(isinstance(owner, FastaiLRFinder) for owner in owners)


def _batches_a_step(engine: Engine) -> int:
    """Batches that one step takes, as ``create_supervised_trainer`` was told; else 1.

    The function that it makes is the only place where Ignite keeps that.
    """
    update: Any = engine._process_function
    names = getattr(getattr(update, "__code__", None), "co_freevars", ())
    cells = dict(zip(names, getattr(update, "__closure__", None) or (), strict=True))
    found = cells.get("gradient_accumulation_steps")
    return 1 if found is None else int(found.cell_contents)
