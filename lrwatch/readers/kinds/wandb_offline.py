"""W&B offline: the ``.wandb`` file of a run, blocks of checked records of protocol buffers.

A block of 32 KiB holds records: a CRC-32 of type and content (4 bytes), the length of the content
(2), the type (1) and the content; a message over several records says so by their types.
"""

import zlib
from collections.abc import Iterator
from struct import Struct, error
from typing import BinaryIO

from lrwatch.readers.events.event_fields import BYTES, FIXED64, VARINT, fields, varint
from lrwatch.readers.formats import Format, Head
from lrwatch.readers.kinds.json_objects import flat, parsed
from lrwatch.readers.lines import Damage, Row
from lrwatch.readers.numbers import number

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


class WandbRows:
    """Reads the file as far as it goes; when it has grown, on from there.

    Args:
        damage: Takes the count of records that cannot be read.
    """

    def __init__(self, damage: Damage) -> None:
        self._damage = damage
        self._offset, self._at = 0, len(_START)
        self._bad_at = -1
        self._parts: list[bytes] = []

    def rows(self, file: BinaryIO) -> Iterator[Row]:
        """The rows that were not there before."""
        for message in self._messages(file):
            try:
                for which, kind, place in fields(message, 0, len(message)):
                    if (which, kind) == (_HISTORY, BYTES):
                        yield _history(message, place.start, place.end)
            except (ValueError, IndexError, error):
                self._damage.add("a record", "expected a protocol buffer of W&B")

    def _messages(self, file: BinaryIO) -> Iterator[bytes]:
        for kind, content in self._records(file):
            if kind in (_FULL, _FIRST) or sum(map(len, self._parts)) > _MAX_MESSAGE:
                self._parts = []
            self._parts.append(content)
            if kind == _FULL or (kind == _LAST and len(self._parts) > 1):
                yield b"".join(self._parts)
            if kind not in (_FIRST, _MIDDLE):
                self._parts = []

    def _records(self, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
        """Type and content of every record; after damage it goes on with the next block."""
        file.seek(self._offset)
        while block := file.read(_BLOCK):
            while self._at + _RECORD.size <= len(block):
                crc, length, kind = _RECORD.unpack_from(block, self._at)
                end = self._at + _RECORD.size + length
                content = block[self._at + _RECORD.size : end]
                if len(content) < length and len(block) < _BLOCK:
                    return
                if zlib.crc32(content, zlib.crc32(bytes([kind]))) != crc:
                    if any(block[self._at :]) and self._bad_at != self._offset + self._at:
                        self._bad_at = self._offset + self._at
                        expected = "expected a record with a right checksum"
                        self._damage.add(f"byte {self._bad_at}", expected)
                        yield 0, b""
                    break
                self._at = end
                yield kind, content
            if len(block) < _BLOCK:
                return
            self._offset += _BLOCK
            self._at = 0


def _rows(file: BinaryIO, damage: Damage) -> Iterator[Row]:
    return WandbRows(damage).rows(file)


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
