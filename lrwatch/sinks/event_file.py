"""One event file of a process: every record whole on disk, or not at all."""

import os
import re
import socket
import time
from collections.abc import Iterable
from pathlib import Path

from lrwatch.sinks import event
from lrwatch.sinks.charts import LAYOUT
from lrwatch.sinks.framing import frame
from lrwatch.sinks.printable import printable
from lrwatch.sinks.safe_open import open_append

_PREFIX = "events.out.tfevents."
_NAME = re.compile(r"events\.out\.tfevents\.\d{1,12}\.[\w-]+\.\d{1,9}\.lrwatch")
_RECENT_S = 600.0
# On Windows signal 0 is Ctrl-C, and reaches every program of the console.
_CAN_ASK = os.name != "nt"


class EventFile:
    """Append records to an event file of its own in ``folder``.

    A short write on a disk that fills up is taken back, as one torn record would hide all later
    ones from TensorBoard. Where the file is gone, :meth:`write` begins a new one.

    Args:
        folder: Where event files are put; made at the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path: Path | None = None
        self._fd: int | None = None
        self._size = 0

    @property
    def was_open(self) -> bool:
        """Whether there ever was a file."""
        return self._path is not None

    @property
    def is_open(self) -> bool:
        """Whether there is a file, and it is still there."""
        if self._fd is None or self._path is None:
            return False
        try:
            named, held = os.stat(self._path), os.fstat(self._fd)
        except OSError:
            return False
        return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)

    def open(self, start_step: int) -> None:
        """Begin a new file, which supersedes what was told about ``start_step`` and later.

        TensorBoard's Python loader heeds such a mark only if an earlier file began with one, so
        every file begins with one.

        Raises:
            OSError: If it cannot be made.
        """
        self.close()
        now = time.time()
        path = self.folder / _new_name(self.folder, int(now))
        self._fd, self._path, self._size = open_append(path), path, 0
        try:
            self.write(
                [
                    event.file_version(now),
                    event.session_start(now, start_step),
                    event.custom_scalars(now, LAYOUT),
                ]
            )
        except OSError:
            self.close()
            raise

    def write(self, events: Iterable[bytes]) -> None:
        """Append all of the events, or none.

        Raises:
            OSError: If they cannot be written now.
        """
        if self._fd is None:
            raise OSError("the event file is not open")
        data = b"".join(map(frame, events))
        try:
            n_written = os.write(self._fd, data)
        except OSError:
            self._take_back()
            raise
        if n_written != len(data):
            self._take_back()
            raise OSError(f"only {n_written} of {len(data)} bytes could be written")
        self._size += len(data)

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
        self._fd = None

    def _take_back(self) -> None:
        if self._fd is not None:
            os.ftruncate(self._fd, self._size)


def live_writers(folder: Path) -> list[int]:
    """Other processes of this machine that seem to write to ``folder``; none on Windows."""
    here = _host()
    recent = [n for n in _names(folder) if time.time() - _changed(folder / n) < _RECENT_S]
    pids = {int(pid) for _, host, pid, _ in map(_parts, recent) if host == here}
    return sorted(filter(_is_alive, pids - {os.getpid()}))


def _new_name(folder: Path, now: int) -> str:
    """A name that sorts after those that are there, as TensorBoard reads them in that order."""
    latest = max((int(_parts(name)[0]) for name in _names(folder)), default=0)
    return f"{_PREFIX}{max(now, latest + 1):010d}.{_host()}.{os.getpid()}.lrwatch"


def _names(folder: Path) -> list[str]:
    """Event files that were written by this sink."""
    if not folder.is_dir():
        return []
    return [name for name in os.listdir(folder) if _NAME.fullmatch(name)]


def _parts(name: str) -> list[str]:
    """Time, host, process and writer of an event file."""
    return name.removeprefix(_PREFIX).split(".")


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _host() -> str:
    name = printable(socket.gethostname(), limit=60)
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name) or "host"


def _is_alive(pid: int) -> bool:
    if not _CAN_ASK:
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
