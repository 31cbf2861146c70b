"""Walking: steps from record to record by their lengths, many at a time where these repeat."""

from struct import Struct

import numpy as np
from numpy.typing import NDArray

from lrwatch.readers.events.crc32c import Bytes, Crcs, Ints, masked_of_columns

HEADER = 12
FOOTER = 4
_LENGTH = Struct("<Q")
_SOME = 128
_MAX_PERIOD = 40
_GUESS = 1024
_SMALL = 1 << 16


def walk(data: bytes, view: Bytes, at: int) -> tuple[Ints, int]:
    """Starts of the records that lie whole in ``data``, up to the first wrong header."""
    starts, at = _by_length(data, view, at)
    lengths, crcs = read_headers(view, starts)
    wrong = np.flatnonzero(header_crcs(lengths) != crcs)
    return (starts[: wrong[0]], int(starts[wrong[0]])) if len(wrong) else (starts, at)


def _by_length(data: bytes, view: Bytes, at: int) -> tuple[Ints, int]:
    """As :func:`walk`, with no look at checksums.

    A training writes the same tags step after step, so the lengths of some records foretell
    those of the next thousands; where the guess fails, it goes on record by record.
    """
    runs, guess, ended = [np.empty(0, np.int64)], _GUESS, False
    while not ended:
        some, at, ended = _one_by_one(data, at)
        runs.append(np.array(some, np.int64))
        sizes = _period(np.diff([*some, at]).tolist())
        while sizes and not ended:
            n_blocks = min(guess // len(sizes), (len(view) - at) // sum(sizes))
            starts, at = _repeated(view, at, sizes, n_blocks)
            runs.append(starts)
            if len(starts) < n_blocks * len(sizes) or not n_blocks:
                break
            guess *= 4
        guess = _GUESS
    return np.concatenate(runs), at


def _one_by_one(data: bytes, at: int) -> tuple[list[int], int, bool]:
    """Some starts, where to go on, and whether that is not within ``data``."""
    unpack, starts, n_bytes = _LENGTH.unpack_from, list[int](), len(data)
    while at + HEADER <= n_bytes and len(starts) < _SOME:
        end = at + HEADER + FOOTER + unpack(data, at)[0]
        if end > n_bytes:
            return starts, at, True
        starts.append(at)
        at = end
    return starts, at, len(starts) < _SOME


def _period(sizes: list[int]) -> list[int]:
    """The sizes that came twice in a row at the end; empty if none did."""
    n_periods = min(_MAX_PERIOD, len(sizes) // 2)
    for n in range(1, n_periods + 1):
        if sizes[-n:] == sizes[-2 * n : -n]:
            return sizes[-n:]
    return []


def _repeated(view: Bytes, at: int, sizes: list[int], n_blocks: int) -> tuple[Ints, int]:
    """Starts of the records whose sizes repeat ``sizes``, at most so many times."""
    if not n_blocks:
        return np.empty(0, np.int64), at
    block, offsets = sum(sizes), np.cumsum([0, *sizes[:-1]])
    starts = (at + block * np.arange(n_blocks)[:, None] + offsets).ravel()
    wanted = np.tile(np.array(sizes) - HEADER - FOOTER, n_blocks)
    found = np.lib.stride_tricks.sliding_window_view(view, 8)[starts].view("<i8")[:, 0]
    wrong = np.flatnonzero(found != wanted)
    if len(wrong):
        return starts[: wrong[0]], int(starts[wrong[0]])
    return starts, at + block * n_blocks


def read_headers(view: Bytes, places: Ints) -> tuple[Ints, Crcs]:
    """Lengths (their lower 4 bytes) and their stored checksums."""
    if not len(places):
        return np.empty(0, np.int64), np.empty(0, np.uint32)
    rows = np.lib.stride_tricks.sliding_window_view(view, HEADER)[places].view("<u4")
    return rows[:, 0].astype(np.int64), rows[:, 2]


def header_crcs(lengths: Ints) -> Crcs:
    """What the checksum of each length must be."""
    if len(lengths) and lengths.max() < _SMALL:
        crcs = np.zeros(int(lengths.max()) + 1, np.uint32)
        crcs[lengths] = 1
        unique = np.flatnonzero(crcs)
        crcs[unique] = _crcs(unique)
        return crcs[lengths]
    unique, index = np.unique(lengths, return_inverse=True)
    return _crcs(unique)[index]


def _crcs(lengths: Ints) -> Crcs:
    columns = lengths.astype("<u8").view(np.uint8).reshape(-1, 8).T
    return masked_of_columns(np.ascontiguousarray(columns))


def grouped(lengths: Ints) -> list[Ints]:
    """Indices of equal lengths, in order, group by group."""
    small = len(lengths) and lengths.max() < _SMALL
    keys: NDArray[np.integer] = lengths.astype(np.uint16) if small else lengths
    order = np.argsort(keys, kind="stable")
    cuts = np.flatnonzero(np.diff(lengths[order])) + 1
    return np.split(order, cuts) if len(lengths) else []
