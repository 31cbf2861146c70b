"""The line with which a watched script ends."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lrwatch.loop.watch import Watch
from lrwatch.records import Verdict

_MAX_SHOWN = 4


class Summary(NamedTuple):
    """What is left to say of an optimizer that was watched.

    Attributes:
        name: Its name, for where there are several.
        verdict: The verdict on its run.
        n_steps: Steps that it took.
        n_alerts: Alerts that were opened.
    """

    name: str
    verdict: Verdict
    n_steps: int
    n_alerts: int


class Trained(NamedTuple):
    """One optimizer that is watched.

    Attributes:
        name: Its name, for where there are several.
        watch: What watches it.
    """

    name: str
    watch: Watch

    def summary(self) -> Summary:
        """Its run in short."""
        watch = self.watch
        n_alerts = sum(alert.state == "opened" for alert in watch.alerts)
        return Summary(self.name, watch.verdict, watch.n_steps, n_alerts)


def closing_line(found: Sequence[Summary], path: Path) -> str:
    """Verdict of each, and where the run is.

    Of many those are shown whose rate was wrong, and then those with the most steps.
    """
    shown = sorted(found, key=_weight)[:_MAX_SHOWN] if len(found) > _MAX_SHOWN else found
    words = [(f"{one.name} " if len(found) > 1 else "") + _of(one) for one in shown]
    more = f", and {len(found) - _MAX_SHOWN} more" if len(found) > _MAX_SHOWN else ""
    where = "the run is in" if path.exists() else "nothing could be written to"
    return f"{', '.join(words)}{more}; {where} {_shown(path)}"


def _weight(one: Summary) -> tuple[bool, int]:
    return one.verdict not in ("too_high", "too_low"), -one.n_steps


def _of(one: Summary) -> str:
    steps = "1 step" if one.n_steps == 1 else f"{one.n_steps:,} steps"
    alerts = f", {one.n_alerts} alert{'s' * (one.n_alerts > 1)}" if one.n_alerts else ""
    return f"{one.verdict} ({steps}{alerts})"


def _shown(path: Path) -> str:
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):  # the current folder may be gone
        return str(path)
    return str(path) if relative.startswith("..") else relative
