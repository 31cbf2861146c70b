"""The line with which a watched script ends."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lrwatch.loop.watch import Watch

_MAX_SHOWN = 4


class Trained(NamedTuple):
    """One optimizer that was watched.

    Attributes:
        name: Its name, for where there are several.
        watch: What watched it.
    """

    name: str
    watch: Watch


def closing_line(trained: Sequence[Trained], path: Path) -> str:
    """Verdict of each, and where the run is."""
    names = [f"{one.name} " if len(trained) > 1 else "" for one in trained]
    found = [name + _of(one.watch) for name, one in zip(names, trained, strict=True)]
    more = f", and {len(found) - _MAX_SHOWN} more" if len(found) > _MAX_SHOWN else ""
    where = "the run is in" if path.exists() else "nothing could be written to"
    return f"{', '.join(found[:_MAX_SHOWN])}{more}; {where} {_shown(path)}"


def _of(watch: Watch) -> str:
    n_alerts = sum(alert.state == "opened" for alert in watch.alerts)
    steps = "1 step" if watch.n_steps == 1 else f"{watch.n_steps:,} steps"
    alerts = f", {n_alerts} alert{'s' * (n_alerts > 1)}" if n_alerts else ""
    return f"{watch.verdict} ({steps}{alerts})"


def _shown(path: Path) -> str:
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):  # the current folder may be gone
        return str(path)
    return str(path) if relative.startswith("..") else relative
