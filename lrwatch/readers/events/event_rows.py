"""Event rows: decodes all events of one length at once, by the layout of one of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct

import numpy as np
from numpy.typing import NDArray

from lrwatch.readers.events.crc32c import Bytes, Ints
from lrwatch.readers.events.event_fields import Fields, Layout, parse, varint

MAX_POOR_LAYOUTS = 16
POOR_SHARE = 512
_SIGN = 1 << 63
_STRUCT = {"<f4": Struct("<f"), "<f8": Struct("<d")}


@dataclass(frozen=True, slots=True)
class Decoded:
    """Scalars of one tag, as columns.

    Attributes:
        tag: Its name, as stored.
        at: Where each came in the file; only the order counts.
        steps: Step numbers.
        times: Wall-clock times in seconds since the epoch.
        values: The numbers.
        is_start: True for marks that a session started here, instead of scalars.
    """

    tag: bytes
    at: Ints
    steps: Ints
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    is_start: bool = False


def decode_columns(columns: Bytes, at: Ints) -> Iterator[Decoded]:
    """Scalars of equally long events; row j of ``columns`` holds byte j of every event.

    The first event left over tells where tag, step and number lie; all events that share its
    fixed bytes are decoded with it. Events of many different layouts are decoded one by one.
    """
    varies = (columns != columns[:, :1]).any(axis=1)
    left = np.arange(columns.shape[1])
    n_poor = 0
    while len(left) and n_poor < MAX_POOR_LAYOUTS:
        fields = _parse(columns[:, left[0]].tobytes())
        alike = _alike(columns, left, varies, fields)
        n_poor += int(np.count_nonzero(alike)) * POOR_SHARE < len(left)
        yield from _decode_alike(columns, left[alike], at, fields)
        left = left[~alike]
    rest = ((columns[:, index].tobytes(), int(at[index])) for index in left.tolist())
    yield from decode_each(rest)


def decode_each(events: Iterable[tuple[bytes, int]]) -> Iterator[Decoded]:
    """Scalars of events of any layout, given with where they came in the file."""
    found: dict[tuple[bytes, bool], list[tuple[int, int, float, float]]] = {}
    for data, at in events:
        fields = _parse(data)
        if not fields.values and not fields.is_start:
            continue
        step = 0 if fields.step is None else varint(data, fields.step.start, fields.step.end)[0]
        step = (step + _SIGN) % (2 * _SIGN) - _SIGN
        time = 0.0 if fields.wall_time is None else _number(data, fields.wall_time.start, "<f8")
        for value in fields.values:
            number = _number(data, value.start, value.layout)
            found.setdefault((value.tag, False), []).append((at, step, time, number))
        if fields.is_start:
            found.setdefault((b"", True), []).append((at, step, time, 0.0))
    for (tag, is_start), scalars in found.items():
        places, steps, times, values = zip(*scalars, strict=True)
        whole = np.array([places, steps], np.int64)
        yield Decoded(tag, whole[0], whole[1], np.array(times), np.array(values), is_start)


def _number(data: bytes, start: int, layout: Layout) -> float:
    number: float = _STRUCT[layout].unpack_from(data, start)[0]
    return number


def _parse(data: bytes) -> Fields:
    """The fields; none for what has a right checksum and yet is no event."""
    try:
        return parse(data)
    except (ValueError, IndexError):
        return Fields()


def _alike(
    columns: Bytes, left: Ints, varies: NDArray[np.bool_], fields: Fields
) -> NDArray[np.bool_]:
    """Which events have the layout of the first one."""
    free = np.zeros(len(columns), bool)
    if fields.wall_time is not None:
        free[fields.wall_time.start : fields.wall_time.end] = True
    for value in fields.values:
        free[value.start : value.start + int(value.layout[2])] = True
    step = fields.step
    digits = range(step.start, step.end) if step is not None else range(0)
    free[list(digits)] = True
    alike = np.ones(len(left), bool)
    for row in np.flatnonzero(varies & ~free).tolist():
        column = columns[row, left]
        alike &= column == column[0]
    for row in digits:
        column = columns[row, left]
        alike &= (column >= 128) == (column[0] >= 128)
    return alike


def _decode_alike(columns: Bytes, events: Ints, at: Ints, fields: Fields) -> Iterator[Decoded]:
    if not fields.values and not fields.is_start:
        return
    n_events = len(events)
    steps = np.zeros(n_events, np.uint64)
    if fields.step is not None:
        for k, row in enumerate(range(fields.step.start, fields.step.end)):
            steps |= (columns[row, events] & np.uint8(127)).astype(np.uint64) << np.uint64(7 * k)
    times = np.zeros(n_events)
    if fields.wall_time is not None:
        times = _numbers(columns, events, fields.wall_time.start, "<f8")
    signed = steps.view(np.int64)
    for value in fields.values:
        numbers = _numbers(columns, events, value.start, value.layout)
        yield Decoded(value.tag, at[events], signed, times, numbers)
    if fields.is_start:
        yield Decoded(b"", at[events], signed, times, times, is_start=True)


def _numbers(columns: Bytes, events: Ints, row: int, layout: str) -> NDArray[np.float64]:
    rows = columns[row : row + int(layout[2])][:, events]
    return np.ascontiguousarray(rows.T).view(layout)[:, 0].astype(np.float64)
