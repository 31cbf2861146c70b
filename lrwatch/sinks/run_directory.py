"""The run directory: the truth about alerts and actions, and TensorBoard's view of the run."""

import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lrwatch.records import Action, Alert, Point, Verdict
from lrwatch.sinks.board import Board
from lrwatch.sinks.event_writer import EventWriter
from lrwatch.sinks.history import FOLDER_NAME, LEDGER_NAME
from lrwatch.sinks.ledger import Ledger
from lrwatch.sinks.promptly import Promptly
from lrwatch.sinks.trouble import Trouble

_CLOSE_S = 2.0
_VERDICT_SHARE = 0.5
_MIN_VERDICT_S = 1.0
_MAX_VERDICT_S = 10.0


class RunDirectory:
    """Write a run to ``path``/lrwatch: alerts.jsonl, verdict.json, an event file for TensorBoard.

    An alert or action is on disk when its method returns, unless the disk hangs: that is waited
    for a fifth of a second, once. Points and the verdict are handed to a thread. A directory that
    cannot be written is reported once, to the logger ``lrwatch`` and ``tell``; training goes on and
    writing is tried again. Nothing is made on disk before the first record. In a forked child all
    methods do nothing.

    Args:
        path: Directory of the run; the user's own files there are left alone.
        start_step: Step at which the run begins or was resumed. What was told before about this
            step and later ones is superseded. 0 stands for the step of the first record.
        settings: Settings of the run, to be shown with it.
        tell: Says a line to the user and raises nothing; None where the log is enough.
        claim: Called at the first record for the directory that it is to be; None: ``path``.

    Raises:
        ValueError: If ``path`` is no possible name of a directory.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        start_step: int = 0,
        settings: Mapping[str, Any] | None = None,
        tell: Callable[[str], None] | None = None,
        claim: Callable[[], Path] | None = None,
    ) -> None:
        name = os.fspath(path)
        if not name or "\0" in name:
            raise ValueError(f"path must be the name of a directory, got {name!r}")
        self.folder = Path(name).absolute() / FOLDER_NAME
        self._start_step = start_step
        self._settings = dict(settings or {})
        self._tell = tell
        self._claim = claim
        self._trouble = Trouble(str(self.folder), tell)
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._parts: tuple[Promptly, EventWriter] | None = None
        self._opened: list[tuple[Promptly, EventWriter]] = []
        # Made before the finalizer of the optimizer, and so run after it when the process ends.
        weakref.finalize(self, _close_all, self._opened)
        self._is_closed = False
        self._n_steps = self._step = 0
        self._verdict_due_s = -math.inf
        self._began_s = time.monotonic()

    def write_point(self, point: Point) -> None:
        """Hand a point to the thread that draws it, to be drawn with what comes next."""
        self.write_points((point,))

    def write_points(self, points: Sequence[Point]) -> None:
        """Hand over points, one or more, to be drawn with what comes next."""
        if self._is_closed or os.getpid() != self._pid:
            return
        try:
            _, events = self._parts or self._begin(points[0].step.step)
            events.put_points(points)
            self._step = points[-1].step.step
            self._n_steps += len(points)
        except Exception as error:
            self._trouble.report(error)

    def flush(self) -> None:
        """Have the thread draw what it was handed; does not wait for it."""
        if self._parts is not None and not self._is_closed and os.getpid() == self._pid:
            self._parts[1].wake()

    def write_alert(self, alert: Alert) -> None:
        """Put the alert on disk, then have it drawn."""
        self._write(alert)
        if alert.verdict is not None or alert.state == "closed":
            self._verdict_due_s = -math.inf

    def write_action(self, action: Action) -> None:
        """Put the action on disk, then have it drawn."""
        self._write(action)

    def wants_verdict(self) -> bool:
        """Whether it is time to say what the verdict is.

        That is when the run has become half as long again, but after a second at least and ten at
        most; and at once after an alert that may change it.
        """
        return time.monotonic() >= self._verdict_due_s

    def write_verdict(self, verdict: Verdict, *, closed: bool = False) -> None:
        """Hand the verdict on all points so far to the thread that writes.

        Args:
            verdict: What the watcher says by now.
            closed: Whether this is the last one.
        """
        now = time.monotonic()
        share_s = _VERDICT_SHARE * (now - self._began_s)
        self._verdict_due_s = now + min(max(share_s, _MIN_VERDICT_S), _MAX_VERDICT_S)
        if self._is_closed or os.getpid() != self._pid or self._parts is None or not self._n_steps:
            return
        _, events = self._parts
        events.put_verdict(verdict, step=self._step, n_steps=self._n_steps, closed=closed)

    def close(self) -> None:
        """Have all written, for two seconds at most; what comes later is not."""
        self._is_closed = True
        if self._parts is not None:
            _close(*self._parts)

    def _write(self, record: Alert | Action) -> None:
        if self._is_closed or os.getpid() != self._pid:
            return
        try:
            ledger, events = self._parts or self._begin(record.step)
            try:
                ledger.put(record)
            finally:
                events.put(record)
        except Exception as error:
            self._trouble.report(error)

    def _begin(self, first_step: int) -> tuple[Promptly, EventWriter]:
        with self._lock:
            if self._parts is None:
                self._parts = self._make(self._start_step or first_step)
            return self._parts

    def _make(self, start_step: int) -> tuple[Promptly, EventWriter]:
        if self._claim is not None:
            self.folder = self._claim() / FOLDER_NAME
            self._trouble = Trouble(str(self.folder), self._tell)
        ledger = Ledger(self.folder / LEDGER_NAME, start_step=start_step, settings=self._settings)
        board = Board(start_step=start_step, settings=self._settings)
        events = EventWriter(
            self.folder, board, ledger, start_step=start_step, trouble=self._trouble
        )
        promptly = Promptly(ledger.write, self._trouble)
        self._opened.append((promptly, events))
        return promptly, events


def _close_all(opened: list[tuple[Promptly, EventWriter]]) -> None:
    for parts in opened:
        _close(*parts)


def _close(ledger: Promptly, events: EventWriter) -> None:
    """Close both within two seconds; the event file goes last, as it tells of all alerts."""
    end_s = time.monotonic() + _CLOSE_S
    try:
        ledger.close(_CLOSE_S)
    finally:
        events.close(max(end_s - time.monotonic(), 0.0))
