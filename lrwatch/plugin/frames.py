"""Frames: how the process that reads logs hands over what it found; a header and raw numbers."""

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
_LENGTHS = struct.Struct("<II")


def packed(header: Mapping[str, Any], arrays: Arrays) -> bytes:
    """The header as JSON, blanks up to a multiple of 8, then each array in turn.

    The header gains ``arrays``: name, type and length of each, in their order.
    """
    arrays = {name: _little_endian(array) for name, array in arrays.items()}
    listed = [[name, array.dtype.str, len(array)] for name, array in arrays.items()]
    text = json.dumps({**header, "arrays": listed}, separators=(",", ":")).encode("ascii")
    text += b" " * (-(len(text) + _LENGTHS.size) % 8)
    body = [array.tobytes() for array in arrays.values()]
    padded = [part + b"\0" * (-len(part) % 8) for part in body]
    return b"".join([_LENGTHS.pack(len(text), sum(map(len, padded))), text, *padded])


def write_frame(file: IO[bytes], header: Mapping[str, Any], arrays: Arrays) -> None:
    """Write one frame and send it off."""
    file.write(packed(header, arrays))
    file.flush()


def read_frame(file: IO[bytes]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read one frame.

    Raises:
        EOFError: If the file ends before the frame does.
    """
    n_header, n_body = _LENGTHS.unpack(_exactly(file, _LENGTHS.size))
    header = json.loads(_exactly(file, n_header))
    body, at, arrays = _exactly(file, n_body), 0, {}
    for name, kind, length in header.pop("arrays"):
        arrays[name] = np.frombuffer(body, kind, length, at)
        at += -(-arrays[name].nbytes // 8) * 8
    return header, arrays


def _little_endian(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def _exactly(file: IO[bytes], n_bytes: int) -> bytes:
    data = file.read(n_bytes)
    if len(data) < n_bytes:
        raise EOFError(f"expected {n_bytes} more bytes, got {len(data)}")
    return data
