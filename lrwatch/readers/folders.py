"""Folders: finds the runs below a path, whatever else lies there."""

import io
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePath
from typing import Protocol, TypeVar

from lrwatch.errors import LrwatchError
from lrwatch.readers.columns import matches
from lrwatch.readers.formats import Head
from lrwatch.readers.lines import Damage
from lrwatch.readers.opening import UnreadableError, opened
from lrwatch.readers.sniff import head_of, is_event_file, refused, sniff

MAX_FILES = 200_000
OWN = "lrwatch"
LEDGER = "alerts.jsonl"
SUFFIXES = {".csv", ".tsv", ".txt", ".log", ".out", ".err", ".json", ".jsonl", ".ndjson", ".wandb"}
_NEVER = {"__pycache__", "node_modules", "site-packages"}
_CHECKPOINT = re.compile(r"checkpoint-(\d{1,18})")
EVENTS = "tfevents"
_HEAD_ROWS = 200
AnyPath = TypeVar("AnyPath", bound=PurePath)
_Path = TypeVar("_Path", bound=PurePath, contravariant=True)
# Any log of a run has one of these; the labels of a data set, a hundred thousand files, have none.
_WORDS = re.compile(rb"l\0?o\0?s\0?s|n\0?o\0?r\0?m|t\0?r\0?a\0?i\0?n|\d/\d", re.IGNORECASE)


@dataclass(slots=True)
class Listing:
    """What a folder holds, links and special files left out.

    Attributes:
        folders: Names of the folders in it that are looked into.
        logs: Names of the files that may be logs.
        events: Names of the event files.
    """

    folders: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def add(self, name: str, *, is_folder: bool) -> None:
        """Sort in a folder or a regular file by its name."""
        if is_folder:
            if not name.startswith(".") and name not in _NEVER:
                self.folders.append(name)
        elif EVENTS in name:
            self.events.append(name)
        elif os.path.splitext(name)[1].lower() in SUFFIXES:
            self.logs.append(name)

    def sort(self) -> "Listing":
        """Bring the names into their order."""
        for names in (self.folders, self.logs, self.events):
            names.sort()
        return self


def event_files(folder: Path) -> list[Path]:
    """The event files in a folder, in the order in which TensorBoard reads them."""
    return [folder / name for name in _list(folder).events]


def is_own(folder: Path) -> bool:
    """Whether lrwatch wrote a folder of its own into the run."""
    inside = folder / OWN
    if inside.is_symlink() or not inside.is_dir():
        return False
    return (inside / LEDGER).is_file() or bool(event_files(inside))


def logs_in(folder: Path) -> list[Path]:
    """The files of a folder, not of those below, that are logs of a run by their content."""
    return [folder / name for name in _list(folder).logs if _is_run(folder / name)]


def find_runs(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Every run at or below a path, folder by folder in the order of their names.

    A run is a folder that lrwatch or TensorBoard writes to, or a log file. Links are not
    followed, special files never opened, and what cannot be listed is passed over. Of the
    checkpoints of one training, each of which repeats the log so far, only the last counts.

    Raises:
        LrwatchError: If the path does not exist, or after ``MAX_FILES`` files.
    """
    top = Path(path)
    if not os.path.isdir(top):
        if not os.path.exists(top):
            raise UnreadableError(f"{top}: no such file or folder")
        yield top
        return
    yield from runs_in(top, LocalTree())


class Tree(Protocol[_Path]):
    """Where folders and files are: this machine, or a storage elsewhere."""

    def listing(self, folder: _Path) -> Listing:
        """What a folder holds; nothing where it cannot be listed."""

    def is_own(self, folder: _Path) -> bool:
        """Whether lrwatch wrote a folder of its own into it."""

    def is_run(self, path: _Path) -> bool:
        """Whether a file looks like a log with a loss."""


class LocalTree:
    """The disks of this machine."""

    def listing(self, folder: Path) -> Listing:
        """What a folder holds; nothing where it cannot be listed."""
        return _list(folder)

    def is_own(self, folder: Path) -> bool:
        """Whether lrwatch wrote a folder of its own into it."""
        return is_own(folder)

    def is_run(self, path: Path) -> bool:
        """Whether a file looks like a log with a loss."""
        return _is_run(path)


def runs_in(top: AnyPath, tree: Tree[AnyPath]) -> Iterator[AnyPath]:
    """Every run at or below a folder of a tree.

    Raises:
        LrwatchError: After ``MAX_FILES`` files.
    """
    waiting, n_files = [top], 0
    while waiting:
        folder = waiting.pop()
        listing = tree.listing(folder)
        own = tree.is_own(folder)
        if own or listing.events:
            yield folder
        for name in listing.logs:
            n_files += 1
            if n_files > MAX_FILES:
                raise LrwatchError(f"{top}: over {MAX_FILES:,} files; name the folders one by one")
            if tree.is_run(folder / name):
                yield folder / name
        below = [name for name in _last_checkpoint(listing) if not (own and name == OWN)]
        waiting += [folder / name for name in reversed(below)]


def _list(folder: Path) -> Listing:
    found = Listing()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder or entry.is_file(follow_symlinks=False):
                    found.add(entry.name, is_folder=is_folder)
    except OSError:
        return found
    return found.sort()


def _last_checkpoint(listing: Listing) -> list[str]:
    """The folders to look into."""
    numbered = [(int(m[1]), m[0]) for m in map(_CHECKPOINT.fullmatch, listing.folders) if m]
    last = max(numbered, default=(0, ""))[1]
    if "trainer_state.json" in listing.logs:
        last = ""
    superseded = {name for _, name in numbered if name != last}
    return [name for name in listing.folders if name not in superseded]


def _is_run(path: Path) -> bool:
    """Whether a file looks like a log with a loss; one that cannot be opened is shown as one."""
    try:
        with opened(path, follow=False) as file:
            head = head_of(file)
    except UnreadableError:
        return True
    return looks_like_run(head)


def looks_like_run(head: Head) -> bool:
    """Whether a file that starts like this is a log with a loss."""
    if is_event_file(head):
        return True
    return _WORDS.search(head.data) is not None and refused(head) is None and _has_loss(head)


def _has_loss(head: Head) -> bool:
    known = sniff(head)
    if known is None:
        return False
    rows = islice(known.rows(io.BytesIO(head.data), Damage()), _HEAD_ROWS)
    counts = Counter(name for row in rows for name in row)
    candidates = [*matches("loss", counts), *matches("grad_norm", counts)]
    return any(counts[name] > 1 for _, names in candidates for name in names)
