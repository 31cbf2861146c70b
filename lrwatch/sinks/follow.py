"""Lines of a file as they are appended, like tail(1): by polling, which also sees network disks."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_CHUNK = 1 << 16
_MAX_LINE = 1 << 16


class LineSplitter:
    """Cuts a stream of bytes into lines; what comes after the last line break waits for its end.

    A line longer than 64 KiB, which no record is, comes out cut to that: memory stays bounded.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that ``data`` completes."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            if not self._skipping:
                yield line
            self._skipping = False
        if len(self._rest) > _MAX_LINE:
            if not self._skipping:
                yield self._rest[:_MAX_LINE]
            self._skipping, self._rest = True, b""

    def finish(self) -> Iterator[bytes]:
        """The last line, where the file ends without a line break; empty otherwise."""
        rest, self._rest = self._rest, b""
        if rest and not self._skipping:
            yield rest


class Follower:
    """Reads what is appended to ``path`` since the last :meth:`poll`.

    A file that shrinks is read again from its start. One that is replaced by another is read to
    its end, and then the new one, if ``by_name``.

    Args:
        path: A regular file; it may be missing until later if ``by_name``.
        by_name: Whether to follow the name, as ``tail -F``, or the open file, as ``tail -f``.
    """

    def __init__(self, path: Path, *, by_name: bool = False) -> None:
        self._path = path
        self._by_name = by_name
        self._splitter = LineSplitter()
        self._fd: int | None = None
        self._offset = 0
        self.notice = ""

    def poll(self) -> Iterator[bytes]:
        """Lines that are complete by now; ``notice`` then says what befell the file, or nothing.

        Raises:
            OSError: If the file is missing and its name is not followed, or is no regular file.
        """
        self.notice = ""
        if self._fd is None and not self._open():
            return
        yield from self._read()
        if self._by_name and self._was_replaced():
            yield from self._read()
            yield from self._splitter.finish()
            self.close()
            self.notice = "the file was replaced; following the new one"
            if self._open():
                yield from self._read()

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
        self._fd, self._offset, self._splitter = None, 0, LineSplitter()

    def _open(self) -> bool:
        try:
            self._fd = open_regular(self._path)
        except FileNotFoundError:
            if not self._by_name:
                raise
            return False
        return True

    def _read(self) -> Iterator[bytes]:
        fd = self._fd
        if fd is None:
            return
        if os.fstat(fd).st_size < self._offset:
            self.notice = "the file was cut short; reading it from its start"
            self._offset, self._splitter = 0, LineSplitter()
        os.lseek(fd, self._offset, os.SEEK_SET)
        while data := os.read(fd, _CHUNK):
            self._offset += len(data)
            yield from self._splitter.feed(data)

    def _was_replaced(self) -> bool:
        try:
            named, held = os.stat(self._path), os.fstat(self._fd or 0)
        except OSError:
            return False
        return (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino)


def open_regular(path: Path) -> int:
    """Descriptor for reading; a pipe or a device is refused, and never waited for.

    Raises:
        OSError: If it cannot be opened or is no regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    fd = os.open(path, flags | getattr(os, "O_BINARY", 0))
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise OSError(f"{path} is not a regular file")
