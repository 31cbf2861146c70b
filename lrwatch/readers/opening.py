"""Opening: a log is opened only if it is a regular file, and only for reading."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lrwatch.errors import LrwatchError

_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)


class UnreadableError(LrwatchError):
    """A path that cannot be read as a run: names the path, what was expected, what to do."""


@contextmanager
def opened(path: Path, *, follow: bool = True) -> Iterator[BinaryIO]:
    """The regular file at ``path``; a pipe or a device is refused without waiting for it.

    Args:
        path: Where it is.
        follow: Whether a symbolic link is followed; no for what was found below a folder.

    Raises:
        UnreadableError: If it is missing, not a regular file or not readable.
    """
    with open_regular(path, follow=follow, buffering=-1) as file:
        try:
            yield file
        except OSError as error:
            raise UnreadableError(f"{path}: cannot be read: {error.strerror or error}") from error


def open_regular(path: Path, *, follow: bool = True, buffering: int = 0) -> BinaryIO:
    """As :func:`opened`, for the caller to close.

    Raises:
        UnreadableError: If it is missing, not a regular file or not readable.
    """
    flags = os.O_RDONLY | _NONBLOCK | _BINARY | (0 if follow else _NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableError(f"{path}: cannot be opened: {reason}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError(f"{path}: expected a regular file or a folder of a run")
    return open(descriptor, "rb", buffering=buffering)


def size_of(file: BinaryIO) -> int:
    """Size of an open file, in bytes."""
    return os.fstat(file.fileno()).st_size
