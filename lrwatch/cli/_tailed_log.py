"""A run that ``lrwatch tail`` is given: its ledger, or else its log, judged as it is read."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lrwatch.cli._readable import readable
from lrwatch.cli._tailed import Named, Selection, Tailed, say, worst_code
from lrwatch.live.kind import has_ledger
from lrwatch.sinks.ledger_line import Entry


class TailedLog:
    """A log that lrwatch did not write: what a watcher finds in it.

    Args:
        run: The log, or the folder that holds it.
        selection: Which entries count.
        asked: Names of columns that the user gave, by quantity.
        waits: Whether there may be no log, or none that can be judged, for now.
    """

    def __init__(
        self, run: Path, selection: Selection, asked: Mapping[str, str | None], *, waits: bool
    ) -> None:
        from lrwatch.live.judged import JudgedLog

        self._run = run
        self._selection = selection
        self._waits = waits
        self._judged: JudgedLog = JudgedLog(run, asked)
        self._told = ""
        self._last: tuple[Entry, ...] = ()

    def last(self, n: int, *, whole: bool) -> list[Named]:
        """The last ``n`` entries; of all, or of what is whole by now."""
        found, n_starts = deque[Entry](maxlen=n), 0
        for entry in self._entries(whole=whole):
            if self._judged.n_starts != n_starts:
                found.clear()
                n_starts = self._judged.n_starts
            found.extend(self._selected([entry]))
        if self._judged.n_starts != n_starts:
            found.clear()
        self._look()
        self._last = tuple(found)
        return [(self._run.name, entry) for entry in found]

    def worst_code(self) -> int:
        """The exit code for the last entries."""
        return worst_code(self._last)

    def new(self) -> Iterator[Named]:
        """The entries that came since the last call, one by one."""
        for entry in self._selected(self._judged.poll(time.time())):
            yield self._run.name, entry
        if self._judged.notice:
            say(self._run, self._judged.notice)
        self._look()

    def close(self) -> None:
        """Let go of the log."""
        self._judged.close()

    def _entries(self, *, whole: bool) -> Iterator[Entry]:
        yield from self._judged.poll(time.time())
        if whole:
            yield from self._judged.settle()

    def _selected(self, entries: Iterable[Entry]) -> Iterable[Entry]:
        return (entry for entry in entries if self._selection.holds(entry))

    def _look(self) -> None:
        """Fail for a log that cannot be judged, or say so once where it is waited for."""
        problem = self._judged.log.problem
        if problem is None:
            return
        if not self._waits and not _is_empty(self._run):
            raise type(problem)(f"{problem}{self._hint()}")
        if str(problem) != self._told:
            self._told = str(problem)
            say(self._run, str(problem).removeprefix(f"{self._run}: "))

    def _hint(self) -> str:
        """What to name instead, or how to wait; empty for what is there and cannot be read."""
        if self._judged.log.format or not self._run.is_dir():
            return ""
        from lrwatch.readers.source import runs_below

        return runs_below(self._run) or "; -F waits for one"

    def introduce(self) -> None:
        """Say the verdict, if there is something that was judged."""
        measures = self._judged.measures
        if measures.n_steps:
            words = f"{self._judged.log.format}, {measures.n_steps:,} steps"
            say(self._run, f"{self._judged.verdict} ({words}), judged from its log")
        elif not self._told:
            say(self._run, "no steps yet")


def _is_empty(run: Path) -> bool:
    return run.is_file() and not run.stat().st_size


class TailedRun:
    """A run of either kind; which one is found out when there is something.

    A log is given up for the ledger as soon as lrwatch writes one.

    Args:
        run: The run, as the user named it.
        selection: Which entries count.
        asked: Names of columns that the user gave, by quantity.
        by_name: Whether to wait for it, and to follow a ledger that is replaced.
    """

    def __init__(
        self, run: Path, selection: Selection, asked: Mapping[str, str | None], *, by_name: bool
    ) -> None:
        self._run = run
        self._selection = selection
        self._asked = asked
        self._by_name = by_name
        self._tailed: Tailed | TailedLog | None = None

    def last(self, n: int, *, whole: bool) -> list[Named]:
        """The last ``n`` entries; of the ``whole`` file, or of what is to be followed."""
        found = self._found()
        if found is None:
            return []
        with readable():
            return found.last(n, whole=whole)

    def new(self) -> Iterator[Named]:
        """The entries that came since the last call, one by one."""
        found = self._found()
        if found is not None:
            with readable():
                yield from found.new()

    def worst_code(self) -> int:
        """The exit code for the last entries, less what a restart undid."""
        return 0 if self._tailed is None else self._tailed.worst_code()

    def introduce(self) -> None:
        """Say the verdict so far."""
        if self._tailed is not None:
            self._tailed.introduce()

    def close(self) -> None:
        """Let go of what is read."""
        if self._tailed is not None:
            self._tailed.close()

    def _found(self) -> Tailed | TailedLog | None:
        if isinstance(self._tailed, Tailed):
            return self._tailed
        if self._tailed is not None and not (self._run.is_dir() and has_ledger(self._run)):
            return self._tailed
        if self._tailed is not None:
            self._tailed.close()
            say(self._run, "lrwatch watches it now; following its alerts")
        self._tailed = self._chosen()
        return self._tailed

    def _chosen(self) -> Tailed | TailedLog | None:
        if has_ledger(self._run):
            by_name = self._by_name or self._tailed is not None
            return Tailed(self._run, self._selection, by_name=by_name)
        if self._run.exists():
            return TailedLog(self._run, self._selection, self._asked, waits=self._by_name)
        if self._by_name:
            return None
        raise FileNotFoundError(f"no run at {self._run}; -F waits for one")
