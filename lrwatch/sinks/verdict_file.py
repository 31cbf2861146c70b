"""verdict.json: what the watch says of its run by now, and what that rests on."""

import contextlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, get_args

from lrwatch.records import Verdict
from lrwatch.sinks.follow import open_regular
from lrwatch.sinks.ledger_line import MAX_BYTES, MAX_WHOLE, VERSION, encode_fields
from lrwatch.sinks.safe_open import open_new

VERDICT_NAME: Final = "verdict.json"
_STALE_S: Final = 60.0
_Identity = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The verdict of a watch at one moment.

    Attributes:
        verdict: Which way the rate is wrong, by all that the watch has judged.
        step: Number of the last step that it judged.
        n_steps: How many steps it judged in this process.
        closed: Whether the watch has ended; if not, it goes on or was killed.
        time: When this was said, in seconds since the epoch.
        run: Name of the segment, as in the ledger.
    """

    verdict: Verdict
    step: int
    n_steps: int
    closed: bool
    time: float
    run: str

    def is_stale(self, step: int, time_s: float | None) -> bool:
        """Whether the run has gone on without this verdict, to a step made at ``time_s``.

        A watch renews its verdict every ten seconds at least; a minute stands for a disk that is
        slow and clocks that differ.
        """
        if step <= self.step:
            return False
        return self.closed or (time_s is not None and time_s > self.time + _STALE_S)


class VerdictFile:
    """Replaces the file whole: a reader finds the verdict before or the one after.

    Of several processes that write to one directory, the one that began last has the file.

    Args:
        folder: Where it is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / VERDICT_NAME
        self._own: _Identity | None = None

    def write(self, standing: Standing) -> None:
        """Put a verdict in the place of the last one.

        Raises:
            OSError: If it cannot be written.
        """
        is_own = self._own is None or self._own == _identity(self._path)
        if not is_own and _is_of_another(self._path, standing.run):
            return
        names = ("verdict", "step", "n_steps", "closed")
        fields = {name: getattr(standing, name) for name in names}
        line = encode_fields("verdict", fields, time_s=standing.time, run=standing.run)
        new = self._path.with_name(f".{VERDICT_NAME}-{standing.run}")
        self._own = _replace(self._path, line, new)


def read_standing(folder: Path) -> Standing | None:
    """The verdict that is kept in a folder; None where there is none, or anything else."""
    path = folder / VERDICT_NAME
    try:
        if path.is_symlink():
            return None
        fd = open_regular(path)
        try:
            line = os.read(fd, MAX_BYTES + 1)
        finally:
            os.close(fd)
        return _decoded(json.loads(line)) if len(line) <= MAX_BYTES else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None


def _identity(file: Path | int) -> _Identity | None:
    """What another file in its place would not have; to be had without reading it."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _is_of_another(path: Path, run: str) -> bool:
    found = read_standing(path.parent)
    return found is not None and found.run != run


def _replace(path: Path, line: bytes, new: Path) -> _Identity | None:
    try:
        fd = open_new(new)
        try:
            if os.write(fd, line) != len(line):
                raise OSError(f"{new} could not be written whole")
            own = _identity(fd)
        finally:
            os.close(fd)
        new.replace(path)
        return own
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def _decoded(raw: Any) -> Standing | None:
    if raw["v"] != VERSION or raw["type"] != "verdict" or raw["verdict"] not in get_args(Verdict):
        return None
    return Standing(
        verdict=raw["verdict"],
        step=_count(raw["step"]),
        n_steps=_count(raw["n_steps"]),
        closed=raw["closed"] is True,
        time=datetime.fromisoformat(raw["time"]).timestamp(),
        run=str(raw["run"]),
    )


def _count(value: Any) -> int:
    if not isinstance(value, int) or not -MAX_WHOLE < value < MAX_WHOLE:
        raise ValueError(f"expected a whole number, got {value!r:.40}")
    return value
