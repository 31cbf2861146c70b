"""Opened runs: what was read of the runs that somebody looks at, kept while memory allows."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from lrwatch.plugin.catalog import Run
from lrwatch.plugin.mark import Mark, mark_of
from lrwatch.plugin.pixels import CHARTS, Series
from lrwatch.plugin.reader import Reader
from lrwatch.reviewing.drawn import COLUMNS, Curves

MAX_BYTES = 512 << 20
MAX_READERS = 3
_REST = 3.0
_REST_S = 1.0

State = Literal["reading", "judging", "ready", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What is known of a run by now.

    Attributes:
        state: How far reading has come.
        rev: Number that grows with every change.
        mark: What the log looked like when reading began.
        about: Facts about the log.
        story: Alerts, actions and spans; None until it was judged.
        curves: The numbers; None until they were read.
        series: What is drawn of them, by chart.
        error: Why it cannot be read; empty if it can.
        due_s: Earliest time at which it is read again, on a steady clock.
    """

    state: State = "reading"
    rev: int = 0
    mark: Mark = field(default_factory=Mark)
    about: dict[str, Any] = field(default_factory=dict)
    story: dict[str, Any] | None = None
    curves: Curves | None = None
    series: dict[str, Series] = field(default_factory=dict)
    error: str = ""
    due_s: float = 0.0

    @property
    def ends(self) -> tuple[int | None, int | None]:
        """First and last step; None where there is none."""
        if self.curves is None or not len(self.curves):
            return None, None
        return int(self.curves.step[0]), int(self.curves.step[-1])

    @property
    def n_bytes(self) -> int:
        """Memory that the numbers take, about."""
        return 0 if self.curves is None else 100 * len(self.curves)


class Opened:
    """Studies by the ids of their runs; the least recently asked for go first.

    A run that grows is read again, after three times as long as reading took: looking at a
    long run takes a fourth of one core at most.

    Args:
        clock: Steady clock, in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._studies: OrderedDict[str, Study] = OrderedDict()
        self._busy: set[str] = set()
        self._readers: list[Reader] = []
        self._idle: list[Reader] = []
        self._rev = 0

    def get(self, run: Run) -> Study:
        """What is known of the run; begins to read it where that is needed."""
        mark = mark_of(run.path)
        with self._lock:
            study = self._studies.get(run.id, Study())
            is_new = run.id not in self._studies
            is_due = is_new or (mark != study.mark and self._clock() >= study.due_s)
            if is_due and run.id not in self._busy and len(self._busy) < MAX_READERS:
                self._busy.add(run.id)
                reader = self._idle.pop() if self._idle else self._another()
                work = (run, mark, reader)
                threading.Thread(target=self._read, args=work, daemon=True).start()
            if not is_new:
                self._studies.move_to_end(run.id)
            return study

    def warm(self) -> None:
        """Have a process ready for the first run that is opened."""
        with self._lock:
            if self._idle or self._busy:
                return
            reader = self._another()
            self._idle.append(reader)
        reader.start()

    def close(self) -> None:
        """End the processes."""
        for reader in self._readers:
            reader.close()

    def _another(self) -> Reader:
        self._readers.append(Reader())
        return self._readers[-1]

    def _read(self, run: Run, mark: Mark, reader: Reader) -> None:
        began_s = self._clock()
        try:
            for header, arrays in reader.ask("study", run.path):
                self._take(run.id, _study(mark, header, arrays))
        finally:
            took_s = self._clock() - began_s
            with self._lock:
                self._busy.discard(run.id)
                self._idle.append(reader)
                study = self._studies.get(run.id)
                if study is not None:
                    due_s = self._clock() + max(_REST_S, _REST * took_s)
                    self._studies[run.id] = replace(study, due_s=due_s)

    def _take(self, run_id: str, study: Study) -> None:
        with self._lock:
            before = self._studies.get(run_id)
            if study.state == "judging" and before is not None and before.story is not None:
                return
            self._rev += 1
            self._studies[run_id] = replace(study, rev=self._rev)
            self._studies.move_to_end(run_id)
            while len(self._studies) > 1 and self._n_bytes() > MAX_BYTES:
                self._studies.popitem(last=False)

    def _n_bytes(self) -> int:
        return sum(study.n_bytes for study in self._studies.values())


def _study(mark: Mark, header: dict[str, Any], arrays: dict[str, Any]) -> Study:
    if "error" in header:
        return Study(state="unreadable", mark=mark, error=header["error"])
    columns = {name: arrays[name] for name in COLUMNS}
    curves = Curves(arrays["step"], columns, arrays["bad"].astype(np.bool_))
    return Study(
        state="judging" if header["story"] is None else "ready",
        mark=mark,
        about=header["about"],
        story=header["story"],
        curves=curves,
        series={name: Series(curves, keys) for name, (keys, _) in CHARTS.items()},
    )
