"""A judged log: any log that the readers know goes through a watcher as it grows."""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lrwatch.live.measures import Measures
from lrwatch.readers.growing import GrowingLog
from lrwatch.records import Alert, Step, Verdict, to_dict
from lrwatch.sinks.ledger_line import VERSION, Entry
from lrwatch.watcher import Watcher

_SETTLE_S = 2.0
_MAX_TOLD = 100_000


class JudgedLog:
    """What a watcher says about a log that nobody watched when it was written.

    The verdict is at any time that of the file as it is: where the log turns out to mean another
    column, or was written anew, it is judged from its start, and what was told is not told again.

    Args:
        path: The log, or the folder that holds it; it may be missing for now.
        asked: Names of columns that the user gave, by quantity.

    Attributes:
        log: What is read.
        measures: What was measured so far.
        notice: What befell the log at the last poll; empty if nothing did.
    """

    def __init__(self, path: Path, asked: Mapping[str, str | None]) -> None:
        self.log = GrowingLog(path, asked)
        self.measures = Measures()
        self.notice = ""
        self._watcher = Watcher()
        self._n_begun = 0
        self._first = ""
        self._told: set[tuple[Any, ...]] = set()
        self._heard_s: float | None = None

    @property
    def verdict(self) -> Verdict:
        """Which way the rate is wrong, as far as is known by now."""
        return self._watcher.verdict

    def poll(self, now_s: float) -> Iterator[Entry]:
        """The alerts due to what was appended; those of the first poll bear no time of reading.

        Raises:
            LrwatchError: If there is something that cannot be read.
        """
        self.notice = ""
        is_first, before = self._heard_s is None, self.measures.n_steps
        time_s = math.nan if is_first else now_s
        yield from self._judged(self.log.poll(), time_s)
        if self.measures.n_steps != before or is_first:
            self._arrived(now_s, is_first=is_first)
        elif self._heard_s is not None and now_s - self._heard_s >= _SETTLE_S:
            yield from self._judged(self.log.settle(), time_s)

    def settle(self) -> Iterator[Entry]:
        """The alerts due to the last Step, for when no more is to be waited for."""
        yield from self._judged(self.log.settle(), math.nan)

    def close(self) -> None:
        """Let go of the log."""
        self.log.close()

    def _judged(self, steps: Iterator[Step], time_s: float) -> Iterator[Entry]:
        for step in steps:
            if self.log.n_begun != self._n_begun:
                self._begin(step)
            self.measures.add(step)
            for alert in self._watcher.update(step):
                if self._is_news(alert):
                    yield self._entry(alert, time_s if step.time is None else step.time)

    def _begin(self, first: Step) -> None:
        self._n_begun = self.log.n_begun
        if self._first not in ("", f"{first.step} {first.loss}"):
            self._told = set()
            self.notice = "the log begins anew; judging it from its start"
        self._first = f"{first.step} {first.loss}"
        self._watcher, self.measures = Watcher(), Measures()

    def _is_news(self, alert: Alert) -> bool:
        key = (alert.kind, alert.state, alert.step, alert.onset)
        if key in self._told:
            return False
        if len(self._told) < _MAX_TOLD:
            self._told.add(key)
        return True

    def _entry(self, alert: Alert, time_s: float) -> Entry:
        time = None if math.isnan(time_s) else time_s
        raw = {"v": VERSION, "type": "alert", "time": time, "run": self.log.path.name}
        return Entry(time=time_s, run="", record=alert, raw={**raw, **to_dict(alert)})

    def _arrived(self, now_s: float, *, is_first: bool) -> None:
        self._heard_s = now_s
        measures = self.measures
        if measures.step is None:
            return
        if not is_first:
            measures.pulse.arrived(measures.step, now_s, has_times=measures.has_times)
        elif not measures.has_times:
            measures.pulse.seen_before(os.stat(self.log.path).st_mtime)
