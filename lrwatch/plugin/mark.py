"""The mark of a run: what tells that its log has grown, without opening it."""

import os
from dataclasses import dataclass

from lrwatch.readers.folders import EVENTS, OWN, SUFFIXES


@dataclass(frozen=True, slots=True)
class Mark:
    """Size and time of the files that make up the log of a run.

    Attributes:
        n_bytes: Their size together.
        changed_ns: When the last of them was changed, in nanoseconds since the epoch.
        n_files: How many there are.
    """

    n_bytes: int = 0
    changed_ns: int = 0
    n_files: int = 0


def mark_of(run: str) -> Mark:
    """The mark of a run; an empty one where nothing can be seen."""
    own = os.path.join(run, OWN)
    try:
        if not os.path.isdir(run):
            found = os.stat(run)
            return Mark(found.st_size, found.st_mtime_ns, 1)
        return _of_folder(own) if os.path.isdir(own) else _of_folder(run)
    except OSError:
        return Mark()


def _of_folder(folder: str) -> Mark:
    n_bytes = changed_ns = n_files = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            is_log = EVENTS in entry.name or os.path.splitext(entry.name)[1].lower() in SUFFIXES
            if is_log and entry.is_file(follow_symlinks=False):
                found = entry.stat(follow_symlinks=False)
                n_bytes += found.st_size
                changed_ns = max(changed_ns, found.st_mtime_ns)
                n_files += 1
    return Mark(n_bytes, changed_ns, n_files)
