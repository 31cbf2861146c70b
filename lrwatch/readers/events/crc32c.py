"""CRC-32C of many byte strings at once: the checksum is linear, so columns of tables add up."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Crcs = NDArray[np.uint32]
Ints = NDArray[np.int64]

BLOCK = 64
MAX_COLUMNS = 512
_POLYNOMIAL = 0x82F63B78
_ONES = np.uint32(0xFFFFFFFF)


@cache
def _tables() -> Crcs:
    """Row k: what each value of a byte adds to the checksum when k bytes follow it."""
    first = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        first = np.where(first & 1, (first >> 1) ^ np.uint32(_POLYNOMIAL), first >> 1)
    rows = [first]
    for _ in range(MAX_COLUMNS - 1):
        rows.append(first[rows[-1] & 255] ^ (rows[-1] >> 8))
    return np.stack(rows)


@cache
def _shift_table(power: int) -> Crcs:
    """What 2**power zero bytes make of a checksum, one row for each of its four bytes."""
    if power == 0:
        low = np.arange(256, dtype=np.uint32)
        first = _tables()[0]
        parts = [low << np.uint32(8 * k) for k in range(4)]
        return np.stack([first[part & 255] ^ (part >> 8) for part in parts])
    half = _shift_table(power - 1)
    return _apply(half, half)


def _apply(table: Crcs, crcs: Crcs) -> Crcs:
    out: Crcs = table[0][crcs & 255] ^ table[1][(crcs >> 8) & 255]
    out ^= table[2][(crcs >> 16) & 255]
    out ^= table[3][crcs >> 24]
    return out


def _shifted(crcs: Crcs, n_bytes: Ints) -> Crcs:
    """Each checksum after as many zero bytes as said for it."""
    out, power = crcs.copy(), 0
    while (n_bytes >> power).any():
        hit = ((n_bytes >> power) & 1).astype(bool)
        out[hit] = _apply(_shift_table(power), out[hit])
        power += 1
    return out


def _mask(crcs: Crcs) -> Crcs:
    turned: Crcs = (crcs >> np.uint32(15)) | (crcs << np.uint32(17))
    return turned + np.uint32(0xA282EAD8)


def _start(lengths: Ints) -> Crcs:
    """What the initial value of all ones adds, for messages of these lengths."""
    unique, index = np.unique(lengths, return_inverse=True)
    return (_shifted(np.full(len(unique), _ONES), unique) ^ _ONES)[index]


def masked_of_columns(columns: Bytes) -> Crcs:
    """Masked checksums of equally long messages of at most ``MAX_COLUMNS`` bytes.

    Row j of ``columns`` holds byte j of every message.
    """
    length, n_messages = columns.shape
    if not n_messages:
        return np.empty(0, np.uint32)
    tables = _tables()[:length][::-1]
    varies = (columns != columns[:, :1]).any(axis=1)
    fixed = tables[~varies, columns[~varies, 0]]
    start = _start(np.array([length])) ^ np.bitwise_xor.reduce(fixed, initial=np.uint32(0))
    crcs = np.full(n_messages, start, dtype=np.uint32)
    for table, column in zip(tables[varies], columns[varies], strict=True):
        crcs ^= table[column]
    return _mask(crcs)


def masked_of_spans(buffer: Bytes, starts: Ints, lengths: Ints) -> Crcs:
    """Masked checksums of ``buffer[start : start + length]``, of any mix of lengths.

    Every message is cut into blocks from its end; zero bytes in front change nothing.
    """
    n_blocks = -(-lengths // BLOCK)
    message = np.repeat(np.arange(len(starts)), n_blocks)
    behind = np.arange(len(message)) - np.repeat(np.cumsum(n_blocks) - n_blocks, n_blocks)
    ends = (starts + lengths)[message] - BLOCK * behind
    padded = np.concatenate([np.zeros(BLOCK, np.uint8), buffer])
    blocks = np.lib.stride_tricks.sliding_window_view(padded, BLOCK)[ends]
    blocks[np.arange(BLOCK) < (starts[message] + BLOCK - ends)[:, None]] = 0
    crcs = np.zeros(len(blocks), np.uint32)
    for table, column in zip(_tables()[:BLOCK][::-1], blocks.T, strict=True):
        crcs ^= table[column]
    out = _start(lengths)
    np.bitwise_xor.at(out, message, _shifted(crcs, BLOCK * behind))
    return _mask(out)
