"""Opens a file of the run directory for writing, and nothing else that may lie in its place."""

import os
import stat
from pathlib import Path

_SAFE = (
    os.O_CREAT
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_append(path: Path) -> int:
    """Descriptor for appending to a regular file; its folder is made where it is missing.

    Raises:
        OSError: If the file cannot be opened; if it, or the folder that holds it, is a symbolic
            link; if it is a pipe, a device or a folder.
    """
    _prepare(path)
    fd = os.open(path, os.O_RDWR | os.O_APPEND | _SAFE, 0o666)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise OSError(f"{path} is not a regular file")


def open_new(path: Path) -> int:
    """Descriptor for writing a file that is not there yet; its folder is made where it is missing.

    Raises:
        OSError: If there is something of that name; if the folder is a symbolic link.
    """
    _prepare(path)
    return os.open(path, os.O_WRONLY | os.O_EXCL | _SAFE, 0o666)


def _prepare(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent.is_symlink() or path.is_symlink():
        raise OSError(f"{path} is or lies behind a symbolic link")
