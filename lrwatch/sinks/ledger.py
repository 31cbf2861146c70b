"""alerts.jsonl, the truth about a run: on disk before a write returns, never rewritten."""

import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrwatch.records import Action, Alert
from lrwatch.sinks.ledger_line import encode, encode_fields
from lrwatch.sinks.safe_open import open_append

_MAX_WAITING = 10_000
_MAX_SIZE = 16 << 20


class Ledger:
    """Append records to ``path``, one ``os.write`` a line.

    The file is opened anew for each line: it may be moved, or its folder removed, between two of
    them, and a line after that still lands in a file of that name. A line that cannot be written
    waits, and is written in its order with the next one, or by :meth:`open_segment`. A file of
    16 MiB, some fifty thousand alerts, takes no more of them; actions are written all the same.

    Args:
        path: The file; it and its folder are made at the first line.
        start_step: Step at which this segment of the run begins; what earlier segments say about
            this step and later ones is superseded by it.
        settings: Settings of the run, for the line that opens the segment.
    """

    def __init__(
        self, path: Path, *, start_step: int = 0, settings: Mapping[str, Any] | None = None
    ) -> None:
        self.run = uuid.uuid4().hex[:8]
        self.path = path
        self._lock = threading.Lock()
        opening = {"start_step": start_step, "pid": os.getpid(), "settings": dict(settings or {})}
        self._opening: dict[str, Any] | None = opening
        self._waiting: deque[bytes] = deque(maxlen=_MAX_WAITING)
        self._size = 0

    def write(self, record: Alert | Action, time_s: float | None = None) -> None:
        """Put the record on disk, as of ``time_s`` (seconds since the epoch; now, if None).

        Raises:
            OSError: If it cannot be written now; it is kept for the next time. If the file is full
                of alerts; then it is not.
        """
        with self._lock:
            if self._size >= _MAX_SIZE and isinstance(record, Alert):
                raise OSError("alerts.jsonl has reached 16 MiB, later alerts are left out")
            self._open_segment()
            time_s = time.time() if time_s is None else time_s
            self._waiting.append(encode(record, time_s=time_s, run=self.run))
            self._flush()

    def open_segment(self) -> None:
        """Write the line that opens the segment, where no record has done so, and what waits.

        Raises:
            OSError: If it cannot be written now; it is kept for the next time.
        """
        with self._lock:
            self._open_segment()
            if self._waiting:
                self._flush()

    def _open_segment(self) -> None:
        if self._opening is None:
            return
        line = encode_fields("run", self._opening, time_s=time.time(), run=self.run)
        self._waiting.append(line)
        self._opening = None

    def _flush(self) -> None:
        fd = open_append(self.path)
        try:
            if _is_torn(fd):
                _write_whole(fd, b"\n")
            while self._waiting:
                _write_whole(fd, self._waiting[0])
                self._waiting.popleft()
        finally:
            self._size = os.fstat(fd).st_size
            os.close(fd)


def _is_torn(fd: int) -> bool:
    """Whether the file ends within a line, as another program's crash may have left it."""
    size = os.fstat(fd).st_size
    if not size:
        return False
    os.lseek(fd, size - 1, os.SEEK_SET)
    return os.read(fd, 1) != b"\n"


def _write_whole(fd: int, line: bytes) -> None:
    """Write all of the line or, on a disk that fills up, nothing of it."""
    before = os.fstat(fd).st_size
    n_written = os.write(fd, line)
    if n_written == len(line):
        return
    if os.fstat(fd).st_size == before + n_written:
        os.ftruncate(fd, before)
    raise OSError(f"only {n_written} of {len(line)} bytes could be written")
