"""A judged log: any log that the readers know goes through a watcher as it grows."""

import math
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from lrwatch.live.measures import Measures
from lrwatch.readers.growing import GrowingLog
from lrwatch.readers.restarts import Restarts
from lrwatch.records import Alert, Step, Verdict, to_dict
from lrwatch.sinks.ledger_line import VERSION, Entry
from lrwatch.watcher import Watcher

_SETTLE_S = 2.0
_MAX_TOLD = 100_000


class JudgedLog:
    """What a watcher says about a log that nobody watched when it was written.

    The verdict is at any time that of the file as it is: where the log turns out to mean another
    column, or was written anew, it is judged from its start, and what was told is not told again.
    A run that was started anew in the same log is judged from there.

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
        self._restarts = Restarts()
        self._n_begun = 0
        self._first = ""
        self._told: set[tuple[Any, ...]] = set()
        self._n_judged = 0
        self._left: Iterator[Step] | None = None
        self._is_first = True
        self._heard_s = -math.inf

    @property
    def verdict(self) -> Verdict:
        """Which way the rate is wrong, as far as is known by now."""
        return self._watcher.verdict

    @property
    def n_starts(self) -> int:
        """How many runs the log holds before the one that is judged."""
        return self._restarts.n_starts

    @property
    def format(self) -> str:
        """What wrote the log in one word, empty until it is known."""
        return self.log.format

    @property
    def problem(self) -> str:
        """Why there is nothing to judge; empty if there is."""
        return str(self.log.problem or "")

    @property
    def n_damaged(self) -> int:
        """Lines or records that could not be read."""
        return self.log.damage.n_bad

    @property
    def applied(self) -> None:
        """Nothing: a log says one rate."""
        return None

    @property
    def is_over(self) -> bool:
        """No: who writes a log does not say when it ends."""
        return False

    @property
    def is_behind(self) -> bool:
        """Whether the last poll left some of what is there for the next one."""
        return self._left is not None

    def poll(self, now_s: float, *, max_steps: int | None = None) -> Iterator[Entry]:
        """The alerts due to what was appended; those of the first poll bear no time of reading.

        Args:
            now_s: The time, in seconds since the epoch.
            max_steps: How many Steps to judge at most; all if None.

        Raises:
            LrwatchError: If there is something that cannot be read.
        """
        self.notice = ""
        n_before = self._n_judged
        steps, self._left = self._left or self.log.poll(), None
        yield from self._judged(islice(steps, max_steps), math.nan if self._is_first else now_s)
        if max_steps is not None and self._n_judged - n_before == max_steps:
            self._left = steps
        elif self._n_judged != n_before or self._is_first:
            self._arrived(now_s)
        elif now_s - self._heard_s >= _SETTLE_S:
            yield from self._judged(self.log.settle(), now_s)

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
            if self._restarts.begins_anew(step):
                self._told = set()
                self.notice = "the run was started anew; judging it from there"
                self._watcher, self.measures = Watcher(), Measures()
            self._n_judged += 1
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
        self._watcher, self.measures, self._restarts = Watcher(), Measures(), Restarts()

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

    def _arrived(self, now_s: float) -> None:
        is_first, self._is_first, self._heard_s = self._is_first, False, now_s
        measures = self.measures
        if measures.step is None:
            return
        if not is_first:
            measures.pulse.arrived(measures.step, now_s, has_times=measures.has_times)
        elif not measures.has_times:
            measures.pulse.seen_before(os.stat(self.log.path).st_mtime)
