"""The thread that writes TensorBoard's view, fed through a bounded queue."""

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from lrwatch.records import Action, Alert, Point, Verdict
from lrwatch.sinks.board import Board
from lrwatch.sinks.event_file import EventFile, live_writers
from lrwatch.sinks.history import read_entries
from lrwatch.sinks.ledger import Ledger
from lrwatch.sinks.thinning import Timed
from lrwatch.sinks.thread import started
from lrwatch.sinks.trouble import Trouble
from lrwatch.sinks.verdict_file import Standing, VerdictFile

_GATHER_S = 0.2
_LEFT_S = 1.0
_RETRY_S = 1.0
_MAX_AGE_S = 60.0
_CLOSE_S = 2.0
_MAX_POINTS = 4096
_MAX_RECORDS = 2 * _MAX_POINTS
_MAX_BACKLOG = 4096
_MAX_FAILURES = 3
_HISTORY_BYTES = 1 << 20
_Item = Sequence[Point] | Alert | Action


class EventWriter:
    """Write what is put into it to an event file, some moments later, in a daemon thread.

    Nothing here waits for the disk. Waking up costs the thread more than what it does then, so it
    sleeps until it is called: points are written when :meth:`wake` says that they are all for now,
    alerts and actions 0.2 s after they came. What was held back, or found no room on the disk, is
    looked at again after a second. While the queue is full points are dropped and counted. Forked
    children have no thread and write nothing. Where no thread can be started, :meth:`close` writes.

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
        self._queue: deque[tuple[float, _Item]] = deque()
        self._n_put = self._n_taken = 0
        self._backlog: deque[bytes] = deque()
        self._called = threading.Event()
        self._gathers = False
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._retry_at = 0.0
        self._latest_s = 0.0
        self._n_failures = 0
        self._has_begun = False
        self.n_dropped = 0

    def put(self, record: Alert | Action) -> None:
        """Hand over a record, to be written soon."""
        if self._put(record, 1, limit=_MAX_RECORDS):
            self._gathers = True
            self._called.set()

    def put_points(self, points: Sequence[Point]) -> None:
        """Hand over points, to be written with what comes next."""
        self._put(points, len(points), limit=_MAX_POINTS)

    def wake(self) -> None:
        """Write what was handed over."""
        self._called.set()

    def _put(self, item: _Item, n: int, *, limit: int) -> bool:
        """Queue it, if there is room; the first one starts the thread."""
        if self._n_put - self._n_taken >= limit:
            self.n_dropped += n
            return False
        self._n_put += n
        self._queue.append((time.monotonic(), item))
        if self._thread is None:
            self._thread = started(self._run, "lrwatch-events")
        return True

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
        self._called.set()
        if self._thread is None:
            if self._queue:
                self._run()
        elif self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        is_last = False
        while self._n_failures < _MAX_FAILURES and not is_last:
            is_last = self._wait()
            try:
                self._tick(is_last=is_last)
            except OSError as error:
                self._retry_at = time.monotonic() + _RETRY_S
                self._trouble.report(error)
            except Exception as error:
                self._n_failures += 1
                self._trouble.report(error)
        self._file.close()

    def _wait(self) -> bool:
        """Wait to be called, and for a moment more after an alert; whether this is the end."""
        is_something_left = self._backlog or self._standing or self._board.holds_some
        self._called.wait(_LEFT_S if is_something_left else None)
        self._called.clear()
        if self._gathers:
            self._closing.wait(_GATHER_S)
            self._gathers = False
        return self._closing.is_set()

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
            self._trouble.say(
                f"process {', '.join(map(str, pids))} seems to write to {self._folder} too; what "
                "the one tells may hide what the other did: give each run a directory of its own"
            )
        if not self._ledger.path.exists():
            return
        for entry in read_entries(self._ledger.path, last_bytes=_HISTORY_BYTES):
            if entry is not None and entry.record is not None and entry.run != self._ledger.run:
                superseded = entry.record.step >= self._start_step
                self._board.digest.add(entry.record, entry.time, superseded=superseded)

    def _take(self, time_s: float, item: _Item, offset_s: float) -> None:
        n = 1 if isinstance(item, Alert | Action) else len(item)
        self._n_taken += n
        try:
            if isinstance(item, Alert | Action):
                self._extend(self._board.record(time_s + offset_s, item, offset_s=offset_s))
            else:
                self._extend(self._board.points(self._timed(time_s, item, offset_s), offset_s))
        except Exception as error:
            self.n_dropped += n
            self._trouble.report(error)

    def _timed(self, handed_s: float, points: Sequence[Point], offset_s: float) -> list[Timed]:
        """When the steps were made: they are judged in batches, and drawn evenly all the same."""
        timed = []
        latest_s, earliest_s = self._latest_s, handed_s - _MAX_AGE_S
        for point in points:
            wall_s = point.step.time
            made_s = handed_s if wall_s is None else wall_s - offset_s
            if not earliest_s < made_s < handed_s:
                made_s = handed_s
            if made_s > latest_s:
                latest_s = made_s
            timed.append((latest_s, point))
        self._latest_s = latest_s
        return timed

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
