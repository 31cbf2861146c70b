"""A fleet: all runs that are watched at once, those included that begin meanwhile."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from lrwatch.errors import LrwatchError
from lrwatch.live.glance import Glance
from lrwatch.live.kind import has_ledger
from lrwatch.live.watched import WatchedRun
from lrwatch.readers.folders import find_runs
from lrwatch.sinks.ledger_line import Entry

MAX_RUNS = 1000
_LOOK_S = 10.0
_SLICE = 2000


class Fleet:
    """Runs, and folders of runs, in which new ones are looked for every ten seconds.

    A path at which there is no run yet is waited for.

    Args:
        paths: Runs or folders.
        asked: Names of columns that the user gave, by quantity.
    """

    def __init__(self, paths: Sequence[Path], asked: Mapping[str, str | None]) -> None:
        self._paths = paths
        self._asked = asked
        self._runs: dict[str, WatchedRun] = {}
        self._looked_s = -_LOOK_S

    @property
    def runs(self) -> list[WatchedRun]:
        """The runs, in the order in which they were found."""
        return list(self._runs.values())

    def poll(self, now_s: float, *, budget_s: float) -> Iterator[tuple[WatchedRun, Entry]]:
        """What came, run by run; where there is much to read, as much as the time allows."""
        self._look()
        end_s = time.monotonic() + budget_s
        waiting = self.runs
        while waiting:
            behind = []
            for run in waiting:
                for entry in run.poll(now_s, max_steps=_SLICE):
                    yield run, entry
                behind += [run] if run.is_behind else []
            waiting = behind if time.monotonic() < end_s else []

    def glances(self, now_s: float) -> list[Glance]:
        """The runs as they are now."""
        return [run.glance(now_s) for run in self.runs]

    def close(self) -> None:
        """Let go of all files."""
        for run in self.runs:
            run.close()

    def _look(self) -> None:
        if time.monotonic() - self._looked_s < _LOOK_S:
            return
        for path in self._paths:
            found = list(islice(_runs_at(path), MAX_RUNS - len(self._runs)))
            for run in found or [path]:
                name = _name(run, path, alone=len(self._paths) == 1)
                self._runs.setdefault(os.fspath(run), WatchedRun(run, self._asked, name=name))
            if found and path not in found and (waiting := self._runs.pop(os.fspath(path), None)):
                waiting.close()
        self._looked_s = time.monotonic()


def _runs_at(path: Path) -> Iterator[Path]:
    """The run itself, or those below a folder of runs."""
    if has_ledger(path) or not path.is_dir():
        yield path
        return
    try:
        yield from find_runs(path)
    except LrwatchError:
        return


def _name(run: Path, path: Path, *, alone: bool) -> str:
    if run == path:
        return path.name or os.fspath(path)
    below = os.fspath(run.relative_to(path))
    return below if alone else os.path.join(path.name, below)
