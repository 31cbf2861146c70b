"""Keys: what is typed while a screen is shown, without waiting for the return key."""

import contextlib
import os
import select
import sys
import time
from collections.abc import Iterator


class Keys:
    """Waits for a key.

    Args:
        fd: The terminal; None to only wait.
    """

    def __init__(self, fd: int | None) -> None:
        self._fd = fd

    def wait(self, seconds: float) -> str:
        """The first letter that is typed within so many seconds; empty if none is."""
        if self._fd is None:
            time.sleep(seconds)
            return ""
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return ""
        data = os.read(self._fd, 64)
        if not data:
            self._fd = None
        return data[:1].decode("ascii", "replace")


@contextlib.contextmanager
def keys() -> Iterator[Keys]:
    """Keys of the terminal, as long as that is left alone; of none where stdin is no terminal."""
    try:
        import termios
        import tty
    except ImportError:  # Windows
        yield Keys(None)
        return
    try:
        fd = sys.stdin.fileno()
        before = termios.tcgetattr(fd)
    except (OSError, ValueError, termios.error):
        yield Keys(None)
        return
    tty.setcbreak(fd)
    try:
        yield Keys(fd)
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
