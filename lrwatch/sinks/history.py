"""Reads a ledger back: every whole record, whatever else the file holds."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from lrwatch.records import Action, Alert
from lrwatch.sinks.follow import LineSplitter, open_regular
from lrwatch.sinks.ledger_line import Entry, decode

LEDGER_NAME = "alerts.jsonl"
FOLDER_NAME = "lrwatch"
_CHUNK = 1 << 16


def ledger_path(run: Path) -> Path:
    """The ledger of a run, named by its directory, its lrwatch/ folder or the file itself."""
    if not run.is_dir() and (run.is_file() or run.suffix == ".jsonl"):
        return run
    inner, own = run / FOLDER_NAME / LEDGER_NAME, run / LEDGER_NAME
    if inner.exists():
        return inner
    return own if run.name == FOLDER_NAME or own.exists() else inner


def read_ledger(path: Path) -> Iterator[Alert | Action]:
    """Alerts and actions of a ledger in their order; broken lines are left out.

    Raises:
        OSError: If the file is missing, unreadable, or no regular file.
    """
    for entry in read_entries(path):
        if entry is not None and entry.record is not None:
            yield entry.record


def standing_entries(entries: Iterable[Entry | None]) -> list[Entry]:
    """The alerts and actions among the entries, less what a restart from an earlier step undid."""
    found: list[Entry] = []
    for entry in filter(None, entries):
        if entry.record is not None:
            found.append(entry)
            continue
        start = entry.raw.get("start_step")
        if isinstance(start, int):
            found = [e for e in found if e.record is not None and 0 < start > e.record.step]
    return found


def read_entries(path: Path, *, last_bytes: int | None = None) -> Iterator[Entry | None]:
    """Entries of a ledger in their order, segments' openings included; None for a broken one.

    A last line without its end is being written just now: it is read if it is whole, and is no
    broken one if it is not.

    Args:
        path: The ledger.
        last_bytes: How much of the end to read at most; all of it if None.
    """
    splitter = LineSplitter()
    with os.fdopen(open_regular(path), "rb", buffering=0) as file:
        if last_bytes is not None and os.fstat(file.fileno()).st_size > last_bytes:
            file.seek(-last_bytes, os.SEEK_END)
            file.readline()
        while data := file.read(_CHUNK):
            for line in splitter.feed(data):
                yield from decode(line)
    for line in splitter.finish():
        yield from filter(None, decode(line))
