"""Rows 29 to 31 and 36: logs that claim too much, archives, names that lead elsewhere, the ban."""

import ast
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from lrwatch import LrwatchError, attach, read
from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.loop.training import small_model, train
from tests.proof.test_forbidden import FILES, forbidden
from tests.proof.test_hostile_files import HOSTILE, archive
from tests.readers.test_events import run_of, scalar

ROOT = Path(__file__).parents[3]
_MAX_MIB, _MAX_S = 256.0, 5.0  # two on an idle machine
_GIB = 1 << 30


def _claim(path: Path, share: float) -> None:
    head = struct.pack("<Q", 1 << 40)
    claim = head + struct.pack("<I", masked_crc32c(head))
    path.write_bytes(b"".join([*run_of(300), claim, scalar(300, 0.5)]))


def _endless_line(path: Path, share: float) -> None:
    with path.open("wb") as file:
        file.write(b'{"step": 0, "loss": 1.0}\n')
        file.truncate(int(share * _GIB))  # a hole of NUL bytes, and no line's end


def _long_line(path: Path, share: float) -> None:
    with path.open("wb") as file:
        file.write(b'{"step": 0, "loss": 1.0}\n')
        for _ in range(int(share * 1024)):
            file.write(b"x" * (1 << 20))
        file.write(b'\n{"step": 1, "loss": 1.0}\n')


def _deep(path: Path, share: float) -> None:
    path.write_bytes(b'{"step": 0, "loss": 1.0}\n' + b"[" * int(100_000 * share) + b"\n")


def _many_tags(path: Path, share: float) -> None:
    with path.open("wb") as file:
        for i in range(int(200_000 * share)):
            file.write(scalar(i, 1.0, tag=f"tag {i}"))


def _digits(path: Path, share: float) -> None:
    lines = [b'{"step": %d, "loss": %s}\n' % (i, b"9" * 5000) for i in range(100)]
    path.write_bytes(b"".join([*lines, b'{"step": 100, "loss": 1e999}\n']))


CLAIMS: dict[str, tuple[str, Callable[[Path, float], None]]] = {
    "a record of 1 TiB": ("events.out.tfevents.1", _claim),
    "a GiB without a line": ("log.jsonl", _endless_line),
    "a line of a GiB": ("log.jsonl", _long_line),
    "JSON 100,000 deep": ("log.jsonl", _deep),
    "200,000 tags": ("events.out.tfevents.1", _many_tags),
    "numbers of 5,000 digits": ("log.jsonl", _digits),
}


def claims(share: float) -> Figure:
    """Row 29: ``lrwatch scan`` of each, in a process of its own."""
    found = {}
    for what, (name, write) in CLAIMS.items():
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder) / name, share)
            found[what] = _scanned(Path(folder) / name)
    most = max(found, key=lambda what: found[what][1])
    longest = max(found, key=lambda what: found[what][2])
    mib, s = found[most][1], found[longest][2]
    quiet = [code in (0, 1, 3) and "Traceback" not in err for code, _, _, err in found.values()]
    return together(
        all_of(sum(quiet), len(found), "scanned or refused in a line"),
        Figure(f"at most {mib:.0f} MiB ({most})", mib <= _MAX_MIB),
        Figure(f"at most {s:.1f} s of processor time ({longest})", s <= _MAX_S * max(share, 1.0)),
    )


# A child has its parent's peak until it says its own.
_SCAN = """
import re, sys
from lrwatch.cli import main
try:
    main(["scan", sys.argv[1]])
finally:
    print("peak", re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def _scanned(path: Path) -> tuple[int, float, float, str]:
    """Exit code, peak of memory in MiB, processor time in seconds, and what was said."""
    start = os.times()
    done = subprocess.run(
        [sys.executable, "-c", _SCAN, str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        check=False,
    )
    end, mib = os.times(), int(done.stdout.rpartition("peak ")[2]) / 1024
    used_s = end.children_user + end.children_system - start.children_user - start.children_system
    return done.returncode, mib, used_s, done.stderr


def archives() -> Figure:
    """Row 30: bombs under the names of logs."""
    n = n_refused = 0
    for kind in ("gz", "zip", "tar"):
        for name in ("events.out.tfevents.1", "metrics.csv", "log.jsonl", "x.gz"):
            with tempfile.TemporaryDirectory() as folder:
                path, n = archive(kind, Path(folder) / name), n + 1
                try:
                    n_refused += not list(read(path))
                except LrwatchError:
                    n_refused += 1
    return all_of(n_refused, n, "archives of which nothing was read")


def names() -> Figure:
    """Row 31: names of optimizers that lead out of the run directory."""
    n_inside = n_outside = 0
    for name in HOSTILE:
        with tempfile.TemporaryDirectory() as folder:
            run, model = Path(folder).resolve() / "root" / "run", small_model()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
            with attach(optimizer, run_dir=run, name=name, stderr=False):
                train(model, optimizer, 3)
            written = [p.resolve() for p in Path(folder).resolve().rglob("*") if p.is_file()]
            n_inside += sum(p.is_relative_to(run) for p in written)
            n_outside += sum(not p.is_relative_to(run) for p in written)
    words = f"{len(HOSTILE)} hostile names: {n_inside} files written within the run directory, "
    return Figure(f"{words}{n_outside} outside", n_inside >= len(HOSTILE) and not n_outside)


def banned() -> Figure:
    """Row 36: what runs or loads code, in every file of the package."""
    hits = [hit for path in FILES for hit in forbidden(ast.parse(path.read_text("utf-8")))]
    return Figure(f"{len(hits)} hits in {len(FILES)} files {json.dumps(hits)}", not hits)
