"""The watches of all optimizers of one trainer: what the adapters of frameworks share."""

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from lrwatch.errors import LrwatchError
from lrwatch.loop.attach import attach
from lrwatch.loop.guard import Guard
from lrwatch.loop.run_dir import RunDir
from lrwatch.loop.watch import Watch
from lrwatch.policy.settings import Backoff
from lrwatch.records import Alert, Verdict

logger = logging.getLogger("lrwatch")

_BY_WEIGHT: tuple[Verdict, ...] = ("too_high", "too_low", "undecided", "healthy")


class Watches:
    """Watches every optimizer of a trainer, from the start of a training to its end.

    The settings are values that JSON can hold, so that a framework's own configuration and its
    checkpoints can hold them too.

    Args:
        run_dir: Where to write. None: ``LRWATCH_RUN_DIR``, else the framework's own directory;
            False: nowhere.
        backoff: Whether to act on alerts; a mapping settles fields of ``Backoff``.
        total_steps: Planned number of steps; None: what the framework says, if it does.
        check_before_step: As for ``attach``.
        norm_every: As for ``attach``.
        stderr: Whether alerts are printed.

    Raises:
        ValueError: If ``backoff`` or one of its fields is out of its range.
    """

    def __init__(
        self,
        *,
        run_dir: str | bool | None = None,
        backoff: bool | Mapping[str, Any] = False,
        total_steps: int | None = None,
        check_before_step: bool = False,
        norm_every: int | None = None,
        stderr: bool = True,
    ) -> None:
        self.settings: dict[str, Any] = {
            "run_dir": run_dir,
            "backoff": backoff,
            "total_steps": total_steps,
            "check_before_step": check_before_step,
            "norm_every": norm_every,
            "stderr": stderr,
        }
        self._backoff = as_backoff(backoff)
        self._watches: list[Watch] = []

    @property
    def alerts(self) -> list[Alert]:
        """All alerts so far, optimizer by optimizer."""
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
    ) -> None:
        """Attach to the optimizers; what was watched before ends.

        Args:
            optimizers: As the framework holds them, wrapped or not.
            model: Their model.
            log_dir: The framework's own directory, taken where the user named none.
            writes: Whether this process is the one that writes.
            stop: Ends the training in the framework's own way.
            total_steps: What the framework knows about the length of the run.
        """
        self.close()
        self._watches = []
        settings = dict(self.settings, backoff=self._backoff)
        settings["total_steps"] = settings["total_steps"] or total_steps
        settings["run_dir"] = or_default(settings["run_dir"], log_dir)
        if not writes:
            settings.update(run_dir=False, stderr=False)
        for i, optimizer in enumerate(optimizers, 1):
            name = f"optimizer-{i}" if len(optimizers) > 1 else None
            try:
                self._watches.append(attach(optimizer, model, name=name, **settings))
            except TypeError as error:
                self._say(f"optimizer {i} is not watched: {error}")
        if not optimizers:
            self._say("nothing to watch: the trainer has no optimizer")
        for watch in self._watches:
            watch.stop_with(stop)

    def close(self) -> None:
        """Take the hooks away; says so where an optimizer never stepped."""
        for i, watch in enumerate(self._watches, 1):
            if watch.closed:
                continue
            watch.close()
            if not watch.n_steps:
                self._say(
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

    def _say(self, line: str) -> None:
        logger.warning(line)
        if self.settings["stderr"]:
            try:
                sys.stderr.write(f"lrwatch: {line}\n")
            except Exception:  # whatever stderr was replaced with, telling must not end a training
                return


def as_backoff(backoff: bool | Mapping[str, Any]) -> bool | Backoff:
    """The policy that plain values describe.

    Raises:
        ValueError: If they describe none.
    """
    if isinstance(backoff, bool):
        return backoff
    if not isinstance(backoff, Mapping):
        raise ValueError(f"backoff must be true, false or a mapping, got {backoff!r}")
    unknown = sorted(set(backoff) - set(Backoff.__dataclass_fields__))
    if unknown:
        known = ", ".join(Backoff.__dataclass_fields__)
        raise ValueError(f"backoff has no field {unknown[0]!r}; it has {known}")
    settings = dict(backoff)
    if "rungs" in settings:
        settings["rungs"] = tuple(settings["rungs"])
    return Backoff(**settings)


def or_default(run_dir: RunDir, log_dir: str | os.PathLike[str] | None) -> RunDir:
    """The run directory that the user named, else the framework's own if it is on this machine."""
    if run_dir is not None or os.environ.get("LRWATCH_RUN_DIR"):
        return run_dir
    return None if log_dir is None or "://" in os.fspath(log_dir) else log_dir
