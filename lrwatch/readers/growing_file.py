"""A growing file: kept open, and asked at each look whether it is still what was read so far."""

import os
from pathlib import Path
from typing import BinaryIO, Literal

from lrwatch.readers.opening import UnreadableError, open_regular, size_of

Change = Literal["missing", "same", "grown", "new"]

_MARK = 4096


class GrowingFile:
    """A regular file, which may be missing for now, be appended to, cut short, or replaced.

    One that was replaced under its name is first read to its end. That a file was written anew in
    its place is seen by its size, or by its first 4 KiB and the last that was there before.

    Args:
        path: Where it is.
        follow: Whether a symbolic link is followed.
    """

    def __init__(self, path: Path, *, follow: bool = True) -> None:
        self._path = path
        self._follow = follow
        self._file: BinaryIO | None = None
        self._seen = (0, 0)
        self._marks: list[tuple[int, bytes]] = []
        self.size = 0

    @property
    def file(self) -> BinaryIO:
        """The open file; its position is the reader's own affair.

        Raises:
            UnreadableError: If nothing is open.
        """
        if self._file is None:
            raise UnreadableError(f"{self._path}: is not there yet")
        return self._file

    def look(self) -> Change:
        """What happened since the last look; ``size`` is then how far to read.

        Raises:
            UnreadableError: If there is something that is no regular file or not readable.
        """
        if self._file is None:
            return self._opened()
        stat = os.fstat(self._file.fileno())
        seen, self._seen = self._seen, (stat.st_size, stat.st_mtime_ns)
        if seen != self._seen:
            is_old = stat.st_size >= self.size and self._is_as_marked(self._file)
            return self._marked(self._file, "grown" if is_old else "new")
        if self._was_replaced():
            self.close()
            return self._opened()
        return "same"

    def close(self) -> None:
        """Let go of it; the next look opens it again."""
        if self._file is not None:
            self._file.close()
        self._file, self._marks, self.size = None, [], 0

    def _opened(self) -> Change:
        if not os.path.lexists(self._path):
            return "missing"
        self._file = open_regular(self._path, follow=self._follow)
        stat = os.fstat(self._file.fileno())
        self._seen = (stat.st_size, stat.st_mtime_ns)
        return self._marked(self._file, "new")

    def _marked(self, file: BinaryIO, change: Change) -> Change:
        self.size = size_of(file)
        places = [(0, min(self.size, _MARK)), (max(0, self.size - _MARK), self.size)]
        self._marks = [(start, _bytes(file, start, end)) for start, end in places]
        return change

    def _is_as_marked(self, file: BinaryIO) -> bool:
        return all(_bytes(file, at, at + len(data)) == data for at, data in self._marks)

    def _was_replaced(self) -> bool:
        try:
            named, held = os.stat(self._path), os.fstat(self.file.fileno())
        except OSError:
            return False
        return (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino)


def _bytes(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)
