"""W&B offline: the ``.wandb`` file of a run, blocks of checked records of protocol buffers.

A block of 32 KiB holds records: a CRC-32 of type and content (4 bytes), the length of the content
(2), the type (1) and the content; a message over several records says so by their types.
"""

import zlib
from collections.abc import Iterator
from struct import Struct, error
from typing import BinaryIO

from lrwatch.readers.event_fields import BYTES, FIXED64, VARINT, fields, varint
from lrwatch.readers.formats import Format, Head
from lrwatch.readers.json_objects import flat, parsed
from lrwatch.readers.lines import Damage
from lrwatch.readers.numbers import number
from lrwatch.readers.rows import Row

_START = b":W&B\xe1\xbe\x00"
_BLOCK = 1 << 15
_MAX_MESSAGE = 16 << 20
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_RECORD = Struct("<IHB")
_DOUBLE = Struct("<d")
# Numbers of the fields in the messages Record, HistoryRecord and HistoryItem.
_HISTORY, _ITEM, _STEP = 2, 1, 2
_KEY, _NESTED_KEY, _INTEGER, _NUMBER, _JSON = 1, 2, 5, 6, (8, 16)


def _recognises(head: Head) -> bool:
    return head.data.startswith(_START)


def _records(file: BinaryIO, damage: Damage) -> Iterator[tuple[int, bytes]]:
    """Type and content of every record; after damage it goes on with the next block."""
    offset, at = 0, len(_START)
    while block := file.read(_BLOCK):
        while at + _RECORD.size <= len(block):
            crc, length, kind = _RECORD.unpack_from(block, at)
            content = block[at + _RECORD.size : at + _RECORD.size + length]
            if len(content) < length and len(block) < _BLOCK:
                return
            if zlib.crc32(content, zlib.crc32(bytes([kind]))) != crc:
                if any(block[at:]):
                    damage.add(f"byte {offset + at}", "expected a record with a right checksum")
                    yield 0, b""
                break
            yield kind, content
            at += _RECORD.size + length
        offset += len(block)
        at = 0


def _messages(file: BinaryIO, damage: Damage) -> Iterator[bytes]:
    parts: list[bytes] = []
    for kind, content in _records(file, damage):
        if kind in (_FULL, _FIRST) or sum(map(len, parts)) > _MAX_MESSAGE:
            parts = []
        parts.append(content)
        if kind == _FULL or (kind == _LAST and len(parts) > 1):
            yield b"".join(parts)
        if kind not in (_FIRST, _MIDDLE):
            parts = []


def _rows(file: BinaryIO, damage: Damage) -> Iterator[Row]:
    for message in _messages(file, damage):
        try:
            for which, kind, place in fields(message, 0, len(message)):
                if (which, kind) == (_HISTORY, BYTES):
                    yield _history(message, place.start, place.end)
        except (ValueError, IndexError, error):
            damage.add("a record", "expected a protocol buffer of W&B")


def _history(data: bytes, start: int, end: int) -> Row:
    row: dict[str, float] = {}
    for which, kind, place in fields(data, start, end):
        if (which, kind) == (_ITEM, BYTES):
            row.update(_item(data, place.start, place.end))
        elif (which, kind) == (_STEP, BYTES):
            for _, inner_kind, inner in fields(data, place.start, place.end):
                if inner_kind == VARINT:
                    row.setdefault("_step", float(varint(data, inner.start, inner.end)[0]))
    return row


def _item(data: bytes, start: int, end: int) -> Row:
    names: list[str] = []
    value: object = None
    for which, kind, place in fields(data, start, end):
        content = data[place.start : place.end]
        if which in (_KEY, _NESTED_KEY) and kind == BYTES:
            names.append(content.decode("utf-8", "replace"))
        elif which in _JSON and kind == BYTES:
            value = parsed(content.decode("utf-8", "replace"))
        elif (which, kind) == (_NUMBER, FIXED64):
            value = _DOUBLE.unpack(content)[0]
        elif (which, kind) == (_INTEGER, VARINT):
            value = varint(content, 0, len(content))[0]
    name = "/".join(names)
    if isinstance(value, dict):
        return flat(value, f"{name}/")
    x = number(value)
    return {} if x is None else {name: x}


FORMAT = Format(
    name="wandb",
    about="the .wandb file of a W&B run",
    recognises=_recognises,
    rows=_rows,
)
