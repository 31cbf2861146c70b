"""Sniffing: what a file is, by what it starts with; its name counts for nothing."""

from typing import BinaryIO

from lrwatch.readers.formats import HEAD, Format, Head
from lrwatch.readers.kinds import (
    algoperf,
    delimited,
    hf,
    jsonl,
    keras,
    lightning,
    tensorboard_csv,
    textlog,
    ultralytics,
    wandb_offline,
)

# Ordered: the first that recognises a file reads it.
FORMATS: tuple[Format, ...] = (
    wandb_offline.FORMAT,
    hf.FORMAT,
    jsonl.LIST,
    jsonl.LINES,
    jsonl.LISTS,
    ultralytics.CSV,
    algoperf.FORMAT,
    keras.FORMAT,
    lightning.FORMAT,
    tensorboard_csv.FORMAT,
    delimited.FORMAT,
    ultralytics.TXT,
    textlog.FORMAT,
)
_ARCHIVES = {
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"\x80\x02": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x93NUMPY": "a numpy array",
    b"PAR1": "a Parquet file",
    b"SQLite": "a database",
    b"\x89PNG": "a picture",
}
_EVENT_HEADER = 12


def head_of(file: BinaryIO) -> Head:
    """The first bytes of an open file, which is left at its start."""
    data = file.read(HEAD)
    is_all = len(data) < HEAD
    file.seek(0)
    return Head(data, is_all)


def sniff(head: Head) -> Format | None:
    """The format of a log of rows; None where none recognises it."""
    return next((known for known in FORMATS if known.recognises(head)), None)


def refused(head: Head) -> str | None:
    """What a file is that is never opened further, such as an archive."""
    return next((what for mark, what in _ARCHIVES.items() if head.data.startswith(mark)), None)


def is_event_file(head: Head) -> bool:
    """Whether a file starts with a record of TensorBoard's framing, right by its checksum."""
    if len(head.data) < _EVENT_HEADER or any(head.data[4:8]):
        return False
    from lrwatch.readers.events.framing import header_is_right

    return header_is_right(head.data, 0)
