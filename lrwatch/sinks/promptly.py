"""Writes records before the call returns, unless the disk hangs: then it goes on without it."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lrwatch.records import Action, Alert
from lrwatch.sinks.thread import started
from lrwatch.sinks.trouble import Trouble

_BUDGET_S = 0.2
_MAX_WAITING = 10_000

Record = Alert | Action


@dataclass(slots=True, eq=False)
class _Job:
    record: Record
    time_s: float
    done: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    is_waited_for: bool = True


class Promptly:
    """Have a daemon thread write each record, and wait for it a fifth of a second at most.

    A disk that hangs (a network file system whose server is gone) thus costs the caller that time
    once: until a write is quick again, records queue up and are not waited for. The order is kept.
    Of more than ten thousand the oldest are left out, and that is told. Where no thread can be
    started, the caller writes.

    Args:
        write: Writes a record that came at a time, in seconds since the epoch; may raise.
        trouble: Told of what it raises when nobody waits.
    """

    def __init__(self, write: Callable[[Record, float], None], trouble: Trouble) -> None:
        self._write = write
        self._trouble = trouble
        self._jobs: deque[_Job] = deque(maxlen=_MAX_WAITING)
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_hanging = False
        self._is_closing = False

    def put(self, record: Record) -> None:
        """Have a record written; on a disk that works it is on disk afterwards.

        Raises:
            OSError: If it cannot be written; so for any other error of ``write``.
        """
        job = _Job(record, time.time(), is_waited_for=not self._is_hanging)
        if len(self._jobs) == _MAX_WAITING:
            self._trouble.report(OSError("too many alerts wait, the oldest are left out"))
        if self._thread is None:
            self._thread = started(self._run, "lrwatch-alerts")
        if self._thread is None:
            self._do(job)
        else:
            self._jobs.append(job)
            self._wake.set()
        if not job.is_waited_for:
            return
        if not job.done.wait(_BUDGET_S):
            job.is_waited_for = False
            self._is_hanging = not job.done.is_set()
        if job.error is not None:
            raise job.error

    def close(self, timeout_s: float) -> None:
        """Have everything written that was put, as far as the time allows."""
        self._is_closing = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._jobs:
                began_s = time.monotonic()
                self._do(self._jobs.popleft())
                if time.monotonic() - began_s < _BUDGET_S:
                    self._is_hanging = False
            if self._is_closing and not self._jobs:
                return

    def _do(self, job: _Job) -> None:
        try:
            self._write(job.record, job.time_s)
        except Exception as error:
            job.error = error
        job.done.set()
        if job.error is not None and not job.is_waited_for:
            with contextlib.suppress(Exception):
                self._trouble.report(job.error)
