"""Where one watch writes: the default directory is made at its first record, and is no other's."""

import os
import threading
import weakref
from pathlib import Path
from typing import cast

from lrwatch.errors import let_pass
from lrwatch.sinks.history import FOLDER_NAME


class Place:
    """The directory of one watch.

    Two processes that are started in the same second wish for the same default. The first to have a
    record makes it, the other makes one with the next number. Watches with names lie together in
    the one of their process.

    Args:
        wished: The directory, as it is chosen before anything is made.
        base: Itself, or the folder around it, where no other process may write to that; None where
            the user named it.
    """

    def __init__(self, wished: Path, base: Path | None = None) -> None:
        self.path = wished
        self._base = None if base is None else _Base.of(base)
        self._name = None if wished == base else wished.name

    def claim(self) -> Path:
        """The directory, made here unless the user named it; raises nothing."""
        if self._base is not None:
            base = self._base.made()
            self.path = base if self._name is None else made_anew(base / self._name)
            self._base = None
        return self.path

    @property
    def disarm_file(self) -> Path:
        """The file that lets go of the back-off: it is asked for its ``stat()`` only."""
        return cast(Path, _DisarmPath(self))

    @property
    def is_claimed(self) -> bool:
        """Whether ``path`` is final."""
        return self._base is None


class _DisarmPath:
    """A path that is not there before the directory is: another process may have that name."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def stat(self) -> os.stat_result:
        if not self._place.is_claimed:
            raise FileNotFoundError("the run directory is not made yet")
        return (self._place.path / FOLDER_NAME / "disarm").stat()


class _Base:
    """The default directory of this process for what was attached in one second."""

    def __init__(self, wished: Path) -> None:
        self._path = wished
        self._is_made = False
        self._lock = threading.Lock()

    @classmethod
    def of(cls, wished: Path) -> "_Base":
        return _bases.setdefault((os.getpid(), wished), cls(wished))

    def made(self) -> Path:
        with self._lock:
            if not self._is_made:
                self._path, self._is_made = made_anew(self._path), True
            return self._path


_bases: "weakref.WeakValueDictionary[tuple[int, Path], _Base]" = weakref.WeakValueDictionary()


def made_anew(wished: Path) -> Path:
    """Make a directory that was not there: this one, or the first free number after it."""
    path, n = wished, 2
    while True:
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            path, n = wished.with_name(f"{wished.name}-{n}"), n + 1
        except OSError as error:  # whoever writes there says that it cannot
            let_pass(error)
            return path
        else:
            return path
