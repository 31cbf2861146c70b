"""The watches of all optimizers of one trainer: what the adapters of frameworks share."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from lrwatch.errors import LrwatchError
from lrwatch.loop.arguments import check_backoff, unwrapped
from lrwatch.loop.attach import attach
from lrwatch.loop.frameworks.settings import Settings, as_backoff, or_default
from lrwatch.loop.guard import Guard
from lrwatch.loop.places.outlets import warn
from lrwatch.loop.terminal import on_terminal
from lrwatch.loop.watch import Watch
from lrwatch.records import Action, Alert, Verdict

_BY_WEIGHT: tuple[Verdict, ...] = ("too_high", "too_low", "undecided", "healthy")


class Watches:
    """Watches every optimizer of a trainer, from the start of a training to its end.

    Args:
        settings: What the user settled.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watches: list[Watch] = []

    @property
    def alerts(self) -> list[Alert]:
        """The last 1000 alerts of each optimizer, one optimizer after the other."""
        return [alert for watch in self._watches for alert in watch.alerts]

    @property
    def verdict(self) -> Verdict:
        """The verdict on the optimizer that is worst off."""
        return min((w.verdict for w in self._watches), key=_BY_WEIGHT.index, default="undecided")

    @property
    def n_steps(self) -> list[int]:
        """Steps seen so far, of each optimizer."""
        return [watch.n_steps for watch in self._watches]

    def open(
        self,
        optimizers: Sequence[Any],
        model: nn.Module | None,
        *,
        log_dir: str | os.PathLike[str] | None,
        writes: bool,
        stop: Callable[[LrwatchError], None],
        total_steps: int | None = None,
        pretrained: bool = False,
    ) -> None:
        """Attach to the optimizers; what was watched before ends.

        Args:
            optimizers: As the framework holds them, wrapped or not.
            model: Their model.
            log_dir: The framework's own directory, taken where the user named none.
            writes: Whether this process is the one that writes.
            stop: Ends the training in the framework's own way.
            total_steps: What the framework knows about the length of the run.
            pretrained: Whether the framework knows that the model was trained before.
        """
        self.close()
        self._watches = []
        settings = self._settings.as_dict()
        settings["backoff"] = as_backoff(settings["backoff"])
        settings["total_steps"] = settings["total_steps"] or total_steps
        if settings["pretrained"] is None:
            settings["pretrained"] = pretrained
        settings["run_dir"] = or_default(settings["run_dir"], log_dir)
        if not writes:
            settings.update(run_dir=False, stderr=False)
        for i, optimizer in enumerate(optimizers, 1):
            settings["name"] = f"optimizer-{i}" if len(optimizers) > 1 else None
            try:
                watch = self._attached(i, optimizer, model, settings)
            except (TypeError, ValueError) as error:
                self.say(f"optimizer {i} is not watched: {error}")
                continue
            watch.stop_with(stop)
            self._watches.append(watch)
        if not optimizers:
            self.say("nothing to watch: the trainer has no optimizer")

    def _attached(
        self, i: int, optimizer: Any, model: nn.Module | None, settings: dict[str, Any]
    ) -> Watch:
        """Attach; where there is no rate to scale without the back-off, which is said."""
        try:
            check_backoff(unwrapped(optimizer), settings["backoff"])
        except ValueError as error:
            self.say(f"optimizer {i} is watched without the back-off: {error}")
            settings = {**settings, "backoff": False}
        return attach(optimizer, model, **settings)

    def went_back(self, to_step: int, reason: str) -> None:
        """Note that the framework itself took back weights that it had saved at ``to_step``."""
        self.say(reason)
        for watch in self._watches:
            watch.note(Action(kind="rewind", step=watch.n_steps, reason=reason, to_step=to_step))

    def close(self) -> None:
        """Take the hooks away; says so where an optimizer never stepped."""
        for i, watch in enumerate(self._watches, 1):
            if watch.closed:
                continue
            watch.close()
            if not watch.n_steps and not watch.said_idle:
                self.say(
                    f"optimizer {i} never stepped, so nothing was judged: is it the one that the "
                    "training loop calls step() on?"
                )

    def state_dict(self) -> dict[str, Any]:
        """What it takes to go on judging in a resumed run, as JSON can hold it."""
        return {"v": 1, "watches": [watch.state_dict() for watch in self._watches]}

    def load_state_dict(self, state: Mapping[str, Any] | None, n_steps: int = 0) -> None:
        """Go on from a checkpoint, after ``open``; a state that does not fit is left out.

        Args:
            state: As ``state_dict`` gave it, or None where the checkpoint has none.
            n_steps: Steps that were made before, for a run that was not watched then.
        """
        states = (state or {}).get("watches", [])
        if len(states) != len(self._watches):
            states = [{"v": 1, "n_steps": n_steps}] * len(self._watches)
        for watch, own in zip(self._watches, states, strict=True):
            try:
                watch.load_state_dict(own)
            except Exception as error:
                Guard("resuming the watch").failed(error)

    def say(self, line: str) -> None:
        """Tell the user a line."""
        warn(line)
        if self._settings.stderr:
            on_terminal(line)


class Watching(Settings):
    """What every framework's callback is: its settings, and what they led to so far."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._watches = Watches(self)

    @property
    def alerts(self) -> list[Alert]:
        """The last 1000 alerts of each optimizer in this training."""
        return self._watches.alerts

    @property
    def verdict(self) -> Verdict:
        """Which way the rate is wrong, as far as the training so far tells."""
        return self._watches.verdict
