"""Frames bytes as one record of an event file: length, data, and a checksum of each."""

import struct
from typing import Final

_POLYNOMIAL: Final = 0x82F63B78
_MASK_DELTA: Final = 0xA282EAD8
_U32: Final = 0xFFFFFFFF


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


def _one_byte_on(table: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(_TABLE[entry & 0xFF] ^ (entry >> 8) for entry in table)


_TABLE: Final = tuple(_table_entry(byte) for byte in range(256))
_SECOND: Final = _one_byte_on(_TABLE)
_THIRD: Final = _one_byte_on(_SECOND)
_FOURTH: Final = _one_byte_on(_THIRD)


def crc32c(data: bytes) -> int:
    """Castagnoli's cyclic redundancy check, as iSCSI (RFC 3720) defines it; four bytes at a time.

    Reference:
        M. E. Kounavis, F. L. Berry, "A systematic approach to building high performance
        software-based CRC generators", 2005.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc, table, second, third, fourth = _U32, _TABLE, _SECOND, _THIRD, _FOURTH
    n_words = len(data) // 4
    for word in struct.unpack_from(f"<{n_words}I", data):
        crc ^= word
        crc = (
            fourth[crc & 0xFF]
            ^ third[(crc >> 8) & 0xFF]
            ^ second[(crc >> 16) & 0xFF]
            ^ table[crc >> 24]
        )
    for byte in data[4 * n_words :]:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ _U32


def _masked(data: bytes) -> int:
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & _U32


def frame(data: bytes) -> bytes:
    """The record that holds ``data``, in the TFRecord format."""
    length = struct.pack("<Q", len(data))
    return b"".join(
        (length, struct.pack("<I", _masked(length)), data, struct.pack("<I", _masked(data)))
    )
