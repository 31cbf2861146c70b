"""Where the words of a watch go: its run directory, the terminal, a function of the user's."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch.optim import Optimizer

from lrwatch.loop.guard import log
from lrwatch.loop.places.place import Place
from lrwatch.loop.places.run_dir import RunDir, program
from lrwatch.loop.step_rates import rate_of
from lrwatch.loop.terminal import on_terminal
from lrwatch.ranks import job
from lrwatch.records import Alert
from lrwatch.sinks.run_directory import RunDirectory
from lrwatch.sinks.sink import Sink
from lrwatch.sinks.stderr import StderrSink


def sinks_of(place: Place | None, stderr: bool, settings: dict[str, object], of: str) -> list[Sink]:
    """The run directory first, so that what is printed is on disk; other ranks than 0 are mute."""
    if job.rank():
        return []
    sinks: list[Sink] = []
    if place is not None:
        tell = on_terminal if stderr else None
        directory = RunDirectory(place.path, settings=settings, tell=tell, claim=place.claim)
        sinks.append(directory)
    if stderr:
        sinks.append(StderrSink(of=of))
    return sinks


def sinks_calling(
    on_alert: Callable[[Alert], object] | None, run_dir: RunDir, name: str | None
) -> list[Sink]:
    """A sink that calls the user's function, in a thread of its own; none on other ranks than 0."""
    if on_alert is None or job.rank():
        return []
    from lrwatch.notify.calling import CallingSink

    parts = ["" if run_dir is None or isinstance(run_dir, bool) else os.fspath(run_dir), name or ""]
    return [CallingSink(on_alert, " ".join(filter(None, parts)) or Path(program()).name)]


def digest_of(optimizer: Optimizer, backoff: Any) -> dict[str, object]:
    """What the digest says about how the run was set up."""
    rates = [rate_of(group) for group in optimizer.param_groups[:8]]
    return {
        "optimizer": type(optimizer).__name__,
        "rate at the start": ", ".join("none" if rate != rate else f"{rate:.4g}" for rate in rates),
        "back-off": "off" if backoff is False or backoff is None else "on",
    }


def warn(line: str) -> None:
    """Say it in the log."""
    log(logging.WARNING, "%s", line)


def notice(line: str) -> None:
    """Say it in the log and on the terminal."""
    warn(line)
    on_terminal(line)
