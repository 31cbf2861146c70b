"""The run directory: the truth about alerts and actions, and TensorBoard's view of the run."""

import os
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrwatch.records import Action, Alert, Point
from lrwatch.sinks.board import Board
from lrwatch.sinks.event_writer import EventWriter
from lrwatch.sinks.history import FOLDER_NAME, LEDGER_NAME
from lrwatch.sinks.ledger import Ledger
from lrwatch.sinks.promptly import Promptly
from lrwatch.sinks.trouble import Trouble

_CLOSE_S = 2.0


class RunDirectory:
    """Write a run to ``path``/lrwatch: ``alerts.jsonl``, and an event file for TensorBoard.

    An alert or action is on disk when its method returns, unless the disk hangs: that is waited
    for a fifth of a second, once. Points are handed to a thread. A
    directory that cannot be written is reported once, through the logger ``lrwatch``; training
    goes on and writing is tried again. Nothing is made on disk before the first record. In a
    forked child all methods do nothing.

    Args:
        path: Directory of the run; the user's own files there are left alone.
        start_step: Step at which the run begins or was resumed. What was told before about this
            step and later ones is superseded. 0 stands for the step of the first record.
        settings: Settings of the run, to be shown with it.

    Raises:
        ValueError: If ``path`` is no possible name of a directory.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        start_step: int = 0,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        name = os.fspath(path)
        if not name or "\0" in name:
            raise ValueError(f"path must be the name of a directory, got {name!r}")
        self.folder = Path(name).absolute() / FOLDER_NAME
        self._start_step = start_step
        self._settings = dict(settings or {})
        self._trouble = Trouble(str(self.folder))
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._parts: tuple[Promptly, EventWriter] | None = None
        self._is_closed = False

    def write_point(self, point: Point) -> None:
        """Hand the point to the thread that draws it, in about two microseconds."""
        if self._is_closed or os.getpid() != self._pid:
            return
        try:
            _, events = self._parts or self._begin(point.step.step)
            events.put(point)
        except Exception as error:
            self._trouble.report(error)

    def write_alert(self, alert: Alert) -> None:
        """Put the alert on disk, then have it drawn."""
        self._write(alert)

    def write_action(self, action: Action) -> None:
        """Put the action on disk, then have it drawn."""
        self._write(action)

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
        ledger = Ledger(self.folder / LEDGER_NAME, start_step=start_step, settings=self._settings)
        board = Board(start_step=start_step, settings=self._settings)
        events = EventWriter(
            self.folder, board, ledger, start_step=start_step, trouble=self._trouble
        )
        promptly = Promptly(ledger.write, self._trouble)
        weakref.finalize(self, _close, promptly, events)
        return promptly, events


def _close(ledger: Promptly, events: EventWriter) -> None:
    """Close both within two seconds; the event file goes last, as it tells of all alerts."""
    end_s = time.monotonic() + _CLOSE_S
    ledger.close(_CLOSE_S)
    events.close(max(end_s - time.monotonic(), 0.0))
