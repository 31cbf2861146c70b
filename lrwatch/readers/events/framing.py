"""Framing: finds the records of a TensorBoard event file, and finds them again after damage."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import BinaryIO

import numpy as np

from lrwatch.readers.events.crc32c import Bytes, Ints
from lrwatch.readers.events.walking import FOOTER, HEADER, header_crcs, read_headers, walk

CHUNK = 4 << 20
MAX_RECORD = 16 << 20
_PIECE = 1 << 18
_HEADER = Struct("<QI")
_LENGTH = Struct("<Q")


@dataclass(slots=True)
class Health:
    """What a file holds besides whole records.

    Attributes:
        n_damaged: Records, or gaps between records, that failed their checksum.
        n_oversized: Records over ``MAX_RECORD`` bytes, stepped over unread.
        n_torn_bytes: Bytes at the end of the file that are the beginning of a record.
    """

    n_damaged: int = 0
    n_oversized: int = 0
    n_torn_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Part of a file, with the records in it whose header is right.

    Attributes:
        data: The bytes.
        starts: Where each record starts in ``data``; its content starts ``HEADER`` bytes later.
        lengths: Length of each content, in bytes.
    """

    data: Bytes
    starts: Ints
    lengths: Ints


class Framing:
    """Reads a file in chunks of whole records.

    A record is its length (8 bytes), a checksum of these (4), the content, a checksum of the
    content (4). Where a header is wrong, or claims more than the file holds, the next right one
    is searched for: a flipped byte costs the record that it hit. Contents are not checked here.

    A file that has grown is read on from where it ended: what was cut off there, or was not yet
    more than zeros, is read again.

    Args:
        file: The open file, at its start.
        size: How many of its bytes to read; what is appended meanwhile is left alone.
        health: Takes the counts of damage.
    """

    def __init__(self, file: BinaryIO, size: int, health: Health) -> None:
        self._file = file
        self._size = size
        self._health = health
        self._offset = 0
        self._lost = False
        self._lost_at = 0
        self._torn_at: int | None = None
        self._nonzero = False
        self._n_damaged_at_end = 0

    def grown_to(self, size: int) -> None:
        """Go on, when iterated over again, with what has been appended."""
        self._size = size
        if self._lost and (self._torn_at is not None or not self._n_damaged_at_end):
            self._offset = self._lost_at if self._torn_at is None else self._torn_at
            self._lost = False
        self._health.n_damaged -= self._n_damaged_at_end
        self._n_damaged_at_end = self._health.n_torn_bytes = 0
        self._file.seek(self._offset)

    def __iter__(self) -> Iterator[Chunk]:
        rest = b""
        while piece := self._file.read(min(CHUNK, self._size - self._offset - len(rest))):
            data = rest + piece
            chunk, used = self._frame(data)
            yield chunk
            rest = data[used:]
            self._offset += used
            if used > len(data):
                self._file.seek(self._offset)
        self._end(rest)

    def _frame(self, data: bytes) -> tuple[Chunk, int]:
        view = np.frombuffer(data, np.uint8)
        starts, at = np.empty(0, np.int64), 0
        if not self._lost:
            starts, at = walk(data, view, at)
            used = self._next(data, at, header_is_right(data, at))
            if used is not None:
                return Chunk(view, starts, read_headers(view, starts)[0]), used
        more, used = self._search(data, at, self._headers(view))
        starts = np.concatenate([starts, np.array(more, np.int64)])
        return Chunk(view, starts, read_headers(view, starts)[0]), used

    def _search(self, data: bytes, at: int, headers: list[int]) -> tuple[list[int], int]:
        """As ``_walk``, from one right header to the next; after damage, with no assumption."""
        starts: list[int] = []
        right = set(headers)
        while True:
            if self._lost:
                index = bisect_left(headers, at)
                if index == len(headers):
                    return starts, self._give_up(data, at)
                at = headers[index]
                self._find()
            end = at + HEADER + FOOTER + _LENGTH.unpack_from(data, at)[0]
            if end <= len(data):
                starts.append(at)
                at = end
                if at in right:
                    continue
            used = self._next(data, at, at in right)
            if used is not None:
                return starts, used

    def _next(self, data: bytes, at: int, header_is_right: bool) -> int | None:
        """Where to go on once more bytes are there; None where no record starts at ``at``."""
        if len(data) - at < HEADER:
            return at
        length: int = _LENGTH.unpack_from(data, at)[0]
        end = at + HEADER + length + FOOTER
        if header_is_right and self._offset + end <= self._size:
            self._health.n_oversized += length > MAX_RECORD
            return at if length <= MAX_RECORD else end
        self._lost, self._lost_at = True, self._offset + at
        if header_is_right and length <= MAX_RECORD:
            self._torn_at = self._offset + at
        return None

    def _headers(self, view: Bytes) -> list[int]:
        """Every place where a record may start, by the checksum of its length."""
        found: list[int] = []
        for first in range(0, len(view) - HEADER + 1, _PIECE):
            piece = view[first : first + _PIECE + HEADER - 1]
            n = len(piece) - HEADER + 1
            high = piece[4 : n + 4] | piece[5 : n + 5] | piece[6 : n + 6] | piece[7 : n + 7]
            places = np.flatnonzero(high == 0)
            lengths, crcs = read_headers(piece, places)
            fits = self._offset + first + places + HEADER + lengths + FOOTER <= self._size
            places = places[fits]
            found += (places[header_crcs(lengths[fits]) == crcs[fits]] + first).tolist()
        return found

    def _find(self) -> None:
        self._health.n_damaged += 1
        self._lost = self._nonzero = False
        self._torn_at = None

    def _give_up(self, data: bytes, at: int) -> int:
        """Drop what holds no header; the last bytes may be the beginning of one."""
        used = max(at, len(data) - HEADER + 1)
        self._nonzero |= data.count(0, at, used) < used - at
        return used

    def _end(self, rest: bytes) -> None:
        """A tail of zeros is no damage (a power cut leaves it), a record cut off is none either."""
        nonzero = self._nonzero or any(rest)
        if self._lost and self._torn_at is None:
            self._n_damaged_at_end = int(nonzero)
            self._health.n_damaged += nonzero
        elif nonzero:
            torn_at = self._offset if self._torn_at is None else self._torn_at
            self._health.n_torn_bytes = self._size - torn_at


def header_is_right(data: bytes, at: int) -> bool:
    """Whether a record may start at ``at``, by the checksum of its length."""
    if len(data) - at < HEADER:
        return False
    length, crc = _HEADER.unpack_from(data, at)
    return bool(header_crcs(np.array([length], np.uint64))[0] == crc)
