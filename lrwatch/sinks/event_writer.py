"""The thread that writes TensorBoard's view, fed through a bounded queue."""

import logging
import os
import threading
import time
from collections import deque
from pathlib import Path

from lrwatch.records import Action, Alert, Point, Verdict
from lrwatch.sinks.board import Board
from lrwatch.sinks.event_file import EventFile, live_writers
from lrwatch.sinks.history import read_entries
from lrwatch.sinks.ledger import Ledger
from lrwatch.sinks.trouble import Trouble
from lrwatch.sinks.verdict_file import Standing, VerdictFile

_LOG = logging.getLogger("lrwatch")
_TICK_S = 0.2
_LONGEST_TICK_S = 1.0
_N_AT_ONCE = 500
_RETRY_S = 1.0
_MAX_AGE_S = 60.0
_CLOSE_S = 2.0
_MAX_POINTS = 4096
_MAX_RECORDS = 2 * _MAX_POINTS
_MAX_BACKLOG = 4096
_MAX_FAILURES = 3
_HISTORY_BYTES = 1 << 20


class EventWriter:
    """Write what is put into it to an event file, some moments later, in a daemon thread.

    :meth:`put` costs about a microsecond and never waits. The thread writes 0.2 s after an alert or
    action came, and else about 500 points at a time, but within 1 s: waking up costs more than what
    it does then. A run that has just begun is written at 0.2 s, 0.6 s, and so on. As much is lost
    of the charts when the process is killed, and what was not handed over by then: up to 2 s of
    steps, where they are long. While the queue is full points are dropped and counted. Forked
    children have no thread and write nothing.

    Args:
        folder: Where the event file goes.
        board: Turns what is put into events.
        ledger: Read for what earlier segments told; its segment is opened from here.
        start_step: Step at which this segment begins.
        trouble: Told of failures.
    """

    def __init__(
        self, folder: Path, board: Board, ledger: Ledger, *, start_step: int, trouble: Trouble
    ) -> None:
        self._folder = folder
        self._board = board
        self._ledger = ledger
        self._start_step = start_step
        self._trouble = trouble
        self._file = EventFile(folder)
        self._verdict_file = VerdictFile(folder)
        self._standing: Standing | None = None
        self._queue: deque[tuple[float, Point | Alert | Action]] = deque()
        self._backlog: deque[bytes] = deque()
        self._hurry = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._retry_at = 0.0
        self._latest_s = 0.0
        self._n_failures = 0
        self._has_begun = False
        self.n_dropped = 0

    def put(self, item: Point | Alert | Action) -> None:
        """Hand over a record; the first one starts the thread."""
        limit = _MAX_POINTS if isinstance(item, Point) else _MAX_RECORDS
        if len(self._queue) >= limit:
            self.n_dropped += 1
            return
        self._queue.append((time.monotonic(), item))
        if limit is _MAX_RECORDS:
            self._hurry.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="lrwatch-events", daemon=True)
            self._thread.start()

    def put_verdict(self, verdict: Verdict, *, step: int, n_steps: int, closed: bool) -> None:
        """Hand over the verdict of the run by now; of several, the last is written."""
        self._standing = Standing(
            verdict=verdict,
            step=step,
            n_steps=n_steps,
            closed=closed,
            time=time.time(),
            run=self._ledger.run,
        )

    def close(self, timeout_s: float = _CLOSE_S) -> None:
        """Write what is left, as far as the time allows."""
        if os.getpid() != self._pid or self._closing.is_set():
            return
        self._closing.set()
        self._hurry.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        wait_s = _TICK_S
        while self._n_failures < _MAX_FAILURES:
            is_last = self._wait(wait_s)
            longest_s = min(2.0 * wait_s, _LONGEST_TICK_S)
            wait_s = min(longest_s, max(_TICK_S, wait_s * _N_AT_ONCE / (len(self._queue) + 1)))
            try:
                self._tick(is_last=is_last)
            except OSError as error:
                self._retry_at = time.monotonic() + _RETRY_S
                self._trouble.report(error)
            except Exception as error:
                self._n_failures += 1
                self._trouble.report(error)
            if is_last:
                break
        self._file.close()

    def _wait(self, wait_s: float) -> bool:
        """Wait for so long, or a tick after an alert; whether this is the end."""
        if not self._hurry.wait(wait_s):
            return False
        self._hurry.clear()
        return self._closing.wait(_TICK_S)

    def _tick(self, *, is_last: bool) -> None:
        now = time.monotonic()
        offset_s = time.time() - now
        self._begin()
        for _ in range(len(self._queue)):  # what comes meanwhile waits: this must come to an end
            self._take(*self._queue.popleft(), offset_s)
        board = self._board
        self._extend(board.drain(offset_s) if is_last else board.expire(now, offset_s))
        self._extend(board.renew_digest(now + offset_s, self.n_dropped, at_once=is_last))
        if now < self._retry_at and not is_last:
            return
        if self._backlog:
            self._ledger.open_segment()
            self._write()
        if (standing := self._standing) is not None:
            self._verdict_file.write(standing)
            if self._standing is standing:
                self._standing = None

    def _begin(self) -> None:
        """Take over what earlier segments of the run told, and look for other writers."""
        if self._has_begun:
            return
        self._has_begun = True
        if pids := live_writers(self._folder):
            _LOG.warning(
                "process %s seems to write to %s too; TensorBoard may show only one of them: "
                "give each run a directory of its own",
                ", ".join(map(str, pids)),
                self._folder,
            )
        if not self._ledger.path.exists():
            return
        for entry in read_entries(self._ledger.path, last_bytes=_HISTORY_BYTES):
            if entry is not None and entry.record is not None and entry.run != self._ledger.run:
                superseded = entry.record.step >= self._start_step
                self._board.digest.add(entry.record, entry.time, superseded=superseded)

    def _take(self, time_s: float, item: Point | Alert | Action, offset_s: float) -> None:
        wall_s = time_s + offset_s
        try:
            if isinstance(item, Point):
                time_s = self._made_at(time_s, wall_s, item)
                self._extend(self._board.point(time_s, time_s + offset_s, item))
            else:
                self._extend(self._board.record(wall_s, item, offset_s=offset_s))
        except Exception as error:
            self.n_dropped += 1
            self._trouble.report(error)

    def _made_at(self, time_s: float, wall_s: float, point: Point) -> float:
        """When the step was made: steps are judged in batches, and drawn evenly all the same."""
        age_s = 0.0 if point.step.time is None else wall_s - point.step.time
        if 0.0 < age_s < _MAX_AGE_S:
            time_s -= age_s
        self._latest_s = max(self._latest_s, time_s)
        return self._latest_s

    def _extend(self, events: list[bytes]) -> None:
        self._backlog.extend(events)
        while len(self._backlog) > _MAX_BACKLOG:
            self._backlog.popleft()
            self.n_dropped += 1

    def _write(self) -> None:
        if not self._file.was_open:
            self._file.open(self._start_step)
        elif not self._file.is_open:
            self._file.open(self._board.next_step)
            self._extend(self._board.renewed_digest(time.time(), self.n_dropped))
        self._file.write(self._backlog)
        self._backlog.clear()
