"""``lrwatch scan`` of an event file of a gigabyte: twenty million steps of a loss."""

import struct
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from lrwatch.readers.events.crc32c import masked_of_columns
from lrwatch.sinks.framing import frame
from tests.benchmarks.proof.figure import Figure
from tests.benchmarks.soak.resources import peak_mib

_BLOCK = 1 << 18
_MAX_MIB = 300.0
_BYTES_A_STEP = 43


def soak(n_bytes: int) -> Figure:
    """Write a run of about that size, and scan it."""
    with tempfile.TemporaryDirectory() as folder:
        path, n_steps = Path(folder) / "events.out.tfevents.1", n_bytes // _BYTES_A_STEP
        _write(path, n_steps)
        mib = path.stat().st_size / 2**20
        start_s, most = time.monotonic(), 0.0
        scan = subprocess.Popen(
            [sys.executable, "-m", "lrwatch", "scan", "--json", str(path)], stdout=subprocess.PIPE
        )
        while scan.poll() is None:
            most = max(most, peak_mib(scan.pid))
            time.sleep(0.2)
        took_s = time.monotonic() - start_s
        said = scan.communicate()[0]
    words = f"scan of {mib:,.0f} MiB, {n_steps:,} steps: {mib / took_s:.1f} MiB a second, peak "
    good = f'"n_steps":{n_steps},'.encode() in said and 0 < most <= _MAX_MIB
    return Figure(f"{words}{most:.0f} MiB", good)


def _write(path: Path, n_steps: int) -> None:
    """Events as TensorBoard writes them, many at once."""
    rng = np.random.default_rng(0)
    edges = [0, 128, 1 << 14, 1 << 21, 1 << 28]  # where a step takes a byte more
    with path.open("wb") as file:
        file.write(frame(b"\x09" + struct.pack("<d", 1e9) + b"\x1a\x0dbrain.Event:2"))
        for size, (low, high) in enumerate(pairwise(edges), start=1):
            for first in range(low, min(high, n_steps), _BLOCK):
                steps = np.arange(first, min(first + _BLOCK, high, n_steps))
                noise = rng.normal(0.0, 0.1, len(steps))
                file.write(_records(steps, 2.0 + 8.0 * (steps + 10.0) ** -0.5 + noise, size))


def _records(
    steps: "np.typing.NDArray[np.int64]", losses: "np.typing.NDArray[np.float64]", size: int
) -> bytes:
    def constant(data: bytes) -> "np.typing.NDArray[np.uint8]":
        return np.tile(np.frombuffer(data, np.uint8), (len(steps), 1))

    def bytes_of(values: "np.typing.NDArray[np.generic]") -> "np.typing.NDArray[np.uint8]":
        return values.view(np.uint8).reshape(len(steps), -1)

    varint = (steps[:, None] >> (7 * np.arange(size))) & 127 | 128
    varint[:, -1] &= 127
    parts = [
        constant(b"\x09"), bytes_of((1e9 + steps).astype("<f8")), constant(b"\x10"),
        varint.astype(np.uint8), constant(b"\x2a\x0d\x0a\x0b\x0a\x04loss\x15"),
        bytes_of(losses.astype("<f4")),
    ]  # fmt: skip
    body = np.hstack(parts)
    head = frame(bytes(body.shape[1]))[:12]
    crc = bytes_of(masked_of_columns(np.ascontiguousarray(body.T)).astype("<u4"))
    return np.hstack([constant(head), body, crc]).tobytes()
