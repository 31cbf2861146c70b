"""Event fields: where in one serialised TensorBoard event the numbers of interest lie."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Layout = Literal["<f4", "<f8"]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_DT_FLOAT, _DT_DOUBLE = 1, 2
_SESSION_START = 1
_MAX_VALUES = 100_000
_MAX_DIMS = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Bytes from ``start`` to ``end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Value:
    """One scalar: its tag, and where its little-endian number lies."""

    tag: bytes
    start: int
    layout: Layout


@dataclass(slots=True)
class Fields:
    """What one event holds; None where it does not say."""

    wall_time: Place | None = None
    step: Place | None = None
    values: list[Value] = field(default_factory=list)
    is_start: bool = False


def parse(data: bytes) -> Fields:
    """Find the fields of a serialised ``Event``.

    A scalar is a ``simple_value``, or a tensor of one float or double in any of its spellings.

    Raises:
        ValueError: If the bytes are no protocol buffer message.
    """
    found = Fields()
    for number, kind, place in fields(data, 0, len(data)):
        if (number, kind) == (1, FIXED64):
            found.wall_time = place
        elif (number, kind) == (2, VARINT):
            found.step = place
        elif (number, kind) == (5, BYTES):
            found.values += _summary(data, place)
        elif (number, kind) == (7, BYTES):
            found.is_start = _session_starts(data, place)
    return found


def fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, Place]]:
    """Number, wire type and content of every field of a message."""
    while at < end:
        key, at = varint(data, at, end)
        kind, start = key & 7, at
        if kind == VARINT:
            _, at = varint(data, at, end)
        elif kind == BYTES:
            length, start = varint(data, at, end)
            at = start + length
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"wire type must be 0, 1, 2 or 5, got {kind}")
        if at > end:
            raise ValueError("a field ends outside of its message")
        yield key >> 3, kind, Place(start, at)


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number of up to ten bytes at ``at``, and where it ends."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError("a number ends outside of its message")


def _summary(data: bytes, place: Place) -> Iterator[Value]:
    inside = fields(data, place.start, place.end)
    for _, (number, kind, inner) in zip(range(_MAX_VALUES), inside, strict=False):
        if (number, kind) == (1, BYTES):
            value = _value(data, inner)
            if value is not None:
                yield value


def _value(data: bytes, place: Place) -> Value | None:
    tag = node = b""
    number_at: tuple[int, Layout] | None = None
    for number, kind, inner in fields(data, place.start, place.end):
        if (number, kind) == (1, BYTES):
            tag = data[inner.start : inner.end]
        elif (number, kind) == (7, BYTES):
            node = data[inner.start : inner.end]
        elif (number, kind) == (2, FIXED32):
            number_at = inner.start, "<f4"
        elif (number, kind) == (8, BYTES):
            number_at = _tensor(data, inner)
    return None if number_at is None else Value(tag or node, *number_at)


def _tensor(data: bytes, place: Place) -> tuple[int, Layout] | None:
    """The one float or double of a tensor, if it holds just one."""
    dtype, numbers = 0, list[Place]()
    for number, kind, inner in fields(data, place.start, place.end):
        if (number, kind) == (1, VARINT):
            dtype, _ = varint(data, inner.start, inner.end)
        elif (number, kind) == (2, BYTES) and not _is_one_element(data, inner):
            return None
        elif number == 4 or (number, dtype) in ((5, _DT_FLOAT), (6, _DT_DOUBLE)):
            numbers.append(inner)
    n_bytes = {_DT_FLOAT: 4, _DT_DOUBLE: 8}.get(dtype, 0)
    numbers = [number for number in numbers if number.end > number.start]
    if len(numbers) != 1 or numbers[0].end - numbers[0].start != n_bytes:
        return None
    return numbers[0].start, "<f4" if dtype == _DT_FLOAT else "<f8"


def _is_one_element(data: bytes, shape: Place) -> bool:
    """True for a shape of no dimension, or of dimensions of size 1 only."""
    n_dims = 0
    for number, kind, dim in fields(data, shape.start, shape.end):
        if (number, kind) != (2, BYTES):
            continue
        n_dims += 1
        sizes = [p for n, k, p in fields(data, dim.start, dim.end) if (n, k) == (1, VARINT)]
        if n_dims > _MAX_DIMS or not sizes or data[sizes[-1].start : sizes[-1].end] != b"\x01":
            return False
    return True


def _session_starts(data: bytes, place: Place) -> bool:
    return any(
        (number, kind) == (1, VARINT) and data[inner.start] == _SESSION_START
        for number, kind, inner in fields(data, place.start, place.end)
    )
