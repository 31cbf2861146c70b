"""The table: one line a run, told at once and judged in the background."""

import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from lrwatch.plugin.catalog import Catalog, Run
from lrwatch.plugin.mark import Mark
from lrwatch.plugin.reader import Reader

LARGE = 1 << 30
_REST = 5.0
_REST_S = 5.0


class Table:
    """The lines of the table, each with the number of its last change.

    New runs are judged newest first, by few processes of low priority; what was judged is kept
    until the log changes. A log that grows is judged again after five times as long as it took,
    and one of more than ``LARGE`` bytes is not judged by itself.

    Args:
        catalog: The runs.
        n_readers: Number of processes; by default half of the cores, 4 at most.
        clock: Steady clock, in seconds.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        n_readers: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._lock = threading.Lock()
        self._epoch = secrets.token_hex(4)
        self._rev = 0
        self._rows: dict[str, tuple[int, dict[str, Any]]] = {}
        self._removed: dict[str, int] = {}
        self._judged: dict[str, tuple[Mark, float]] = {}
        self._working: set[str] = set()
        self._hurried = ""
        n = n_readers or min(4, max(1, (os.cpu_count() or 1) // 2))
        self._readers = tuple(Reader() for _ in range(n))
        self._idle = list(self._readers)

    def poll(self, since: int, epoch: str, *, wait_s: float = 0.25) -> dict[str, Any]:
        """What changed since revision ``since`` of this table; all of it for another epoch."""
        self._catalog.refresh(wait_s=wait_s)
        with self._lock:
            self._compare(self._catalog.runs())
            self._begin_work()
            since = since if epoch == self._epoch else 0
            return {
                "epoch": self._epoch,
                "rev": self._rev,
                "rows": [row for rev, row in self._rows.values() if rev > since],
                "removed": [run for run, rev in self._removed.items() if rev > since],
                "n_waiting": len(self._waiting()),
                "complete": self._catalog.is_complete,
                "problems": list(self._catalog.problems),
                "places": [str(place.path) for place in self._catalog.places],
            }

    def hurry(self, run_id: str) -> None:
        """Somebody looks at this run: judge it before the others, however large it is."""
        with self._lock:
            self._hurried = run_id

    def close(self) -> None:
        """End the processes."""
        for reader in self._readers:
            reader.close()

    def _compare(self, runs: Mapping[str, Run]) -> None:
        for run in runs.values():
            known = self._rows.get(run.id)
            changed_s = run.mark.changed_ns / 1e9
            if known is None:
                state = "large" if run.mark.n_bytes > LARGE else "waiting"
                self._put(run.id, {"id": run.id, "name": run.name, "state": state})
            elif known[1]["changed"] == changed_s:
                continue
            self._put(run.id, {**self._rows[run.id][1], "changed": changed_s})
            self._removed.pop(run.id, None)
        for run_id in [run_id for run_id in self._rows if run_id not in runs]:
            del self._rows[run_id]
            self._judged.pop(run_id, None)
            self._rev += 1
            self._removed[run_id] = self._rev

    def _put(self, run_id: str, row: dict[str, Any]) -> None:
        self._rev += 1
        self._rows[run_id] = (self._rev, row)

    def _waiting(self) -> list[Run]:
        runs = self._catalog.runs().values()
        new = [run for run in runs if run.id in self._rows and run.id not in self._judged]
        return [run for run in new if run.mark.n_bytes <= LARGE or run.id == self._hurried]

    def _next(self) -> Run | None:
        """Of the runs not yet judged the one looked at, or the newest; then one that has grown."""
        free = [run for run in self._waiting() if run.id not in self._working]
        free = [run for run in free if run.id == self._hurried] or free
        if not free:
            now = self._clock()
            none = (Mark(), float("inf"))
            for run in self._catalog.runs().values():
                mark, due_s = self._judged.get(run.id, none)
                if run.mark != mark and now >= due_s and run.id not in self._working:
                    free.append(run)
        return max(free, key=lambda run: run.mark.changed_ns, default=None)

    def _begin_work(self) -> None:
        while self._idle:
            run = self._next()
            if run is None:
                return
            self._working.add(run.id)
            work = (run, self._idle.pop())
            threading.Thread(target=self._work, args=work, daemon=True).start()

    def _work(self, run: Run | None, reader: Reader) -> None:
        while run is not None:
            began_s = self._clock()
            ((header, _),) = reader.ask("summary", run.path)
            took_s = self._clock() - began_s
            with self._lock:
                self._take(run, header, self._clock() + max(_REST_S, _REST * took_s))
                run = self._next()
                if run is None:
                    self._idle.append(reader)
                else:
                    self._working.add(run.id)

    def _take(self, run: Run, header: Mapping[str, Any], due_s: float) -> None:
        self._working.discard(run.id)
        self._judged[run.id] = (run.mark, due_s)
        if run.id in self._rows:
            summary = header.get("summary") or {"error": header.get("error", "not readable")}
            state = "judged" if summary.get("verdict") else "unreadable"
            self._put(run.id, {**self._rows[run.id][1], **summary, "state": state})
