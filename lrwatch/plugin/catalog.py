"""The catalog: every run below the logdir, found by walking it anew while somebody looks."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lrwatch.errors import LrwatchError
from lrwatch.plugin.mark import Mark, mark_of
from lrwatch.plugin.places import Place, id_of
from lrwatch.readers.folders import find_runs
from lrwatch.sinks.printable import printable

MAX_RUNS = 20_000
_REST = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that was found.

    Attributes:
        id: Name of it in addresses.
        name: Name of it for people, as TensorBoard has it.
        path: Where it is.
        mark: What its log looked like when the folders were last walked.
    """

    id: str
    name: str
    path: str
    mark: Mark


class Catalog:
    """The runs below some places; a run is only ever reached by an id that is listed here.

    Walking goes on in a thread, and rests ten times as long as it took: folders on a slow disk
    are not walked without end.

    Args:
        places: The folders.
        interval_s: Time from the end of one walk to the beginning of the next, at least.
        clock: Steady clock, in seconds.
    """

    def __init__(
        self,
        places: Sequence[Place],
        *,
        interval_s: float = 1.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.places = tuple(places)
        self.problems: tuple[str, ...] = ()
        self._interval_s = interval_s
        self._clock = clock
        self._lock = threading.Lock()
        self._due_s = -1.0
        self._idle = threading.Event()
        self._is_complete = False
        self._runs: dict[str, Run] = {}

    def refresh(self, *, wait_s: float = 0.0) -> None:
        """Begin to walk if it is time; wait for the walk to end, but no longer than given."""
        with self._lock:
            now = self._clock()
            is_due = now >= self._due_s
            if is_due:
                self._due_s = float("inf")
                self._idle.clear()
        if is_due:
            threading.Thread(target=self._walk, name="lrwatch-walk", daemon=True).start()
        if wait_s:
            self._idle.wait(wait_s)

    @property
    def is_complete(self) -> bool:
        """Whether the folders were walked to their end once."""
        return self._is_complete

    def runs(self) -> dict[str, Run]:
        """The runs by their ids, in the order of the folders."""
        return self._runs

    def find(self, run_id: str) -> Run | None:
        """The run of that id, if there is one."""
        return self._runs.get(run_id)

    def _walk(self) -> None:
        began_s = self._clock()
        try:
            self._look()
        finally:
            now = self._clock()
            self._due_s = now + max(self._interval_s, _REST * (now - began_s))
            self._is_complete = True
            self._idle.set()

    def _look(self) -> None:
        found: dict[str, Run] = {}
        problems: list[str] = []
        for place in self.places:
            try:
                for path in map(os.fspath, find_runs(place.path)):
                    if len(found) >= MAX_RUNS:
                        problems.append(f"the first {MAX_RUNS:,} runs are shown, there are more")
                        break
                    run_id, mark = id_of(path), mark_of(path)
                    found[run_id] = Run(id=run_id, name=place.name_of(path), path=path, mark=mark)
                    if not self._is_complete:
                        self._runs[run_id] = found[run_id]
            except (LrwatchError, OSError) as error:
                problems.append(printable(error))
        self._runs, self.problems = found, tuple(problems)
