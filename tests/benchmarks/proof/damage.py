"""Rows 25 to 28: logs that are cut, flipped, strangely encoded, or change while they are read."""

import os
import random
import tempfile
from itertools import accumulate
from pathlib import Path

from lrwatch import LrwatchError, read
from lrwatch.records import Alert
from lrwatch.sinks.follow import Follower
from lrwatch.sinks.ledger_line import decode, encode
from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.readers.test_events import ours, run_of

_CSV = "step,loss\n" + "".join(f"{i},{1 / (i + 1)}\n" for i in range(50))


def _ledger(n_lines: int) -> list[bytes]:
    return [
        encode(
            Alert(kind="stall", severity="info", step=i, onset=0, message="flat"), time_s=i, run="r"
        )
        for i in range(n_lines)
    ]


def _steps_of(data: bytes) -> list[int]:
    entries = [entry for raw in data.split(b"\n") for entry in decode(raw)]
    return [entry.record.step for entry in entries if entry and entry.record]


def cut(n_records: int) -> Figure:
    """Row 25: an event file and a ledger, cut at every byte."""
    records, lines = run_of(n_records), _ledger(n_records)
    whole, ends = b"".join(records), list(accumulate(map(len, records)))
    n_right = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.out.tfevents.1"
        for n_bytes in range(len(whole)):
            path.write_bytes(whole[:n_bytes])
            found, health = ours(path)
            n_whole = max(sum(end <= n_bytes for end in ends) - 1, 0)
            n_right += len(found.get("loss", [])) == n_whole and not health.n_damaged
    ledger, ends = b"".join(lines), list(accumulate(map(len, lines)))
    # A line whose end only is missing is whole.
    kept = [
        _steps_of(ledger[:n]) == list(range(sum(end - 1 <= n for end in ends)))
        for n in range(len(ledger))
    ]
    return together(
        all_of(n_right, len(whole), "cuts of an event file after which all whole records are read"),
        all_of(sum(kept), len(ledger), "cuts of a ledger"),
    )


def flipped(n_records: int) -> Figure:
    """Row 26: each byte of an event file and of a ledger is flipped once."""
    records, lines = run_of(n_records), _ledger(n_records)
    n_right = 0
    with tempfile.TemporaryDirectory() as folder:
        path, at = Path(folder) / "events.out.tfevents.1", 0
        for hit, record in enumerate(records):
            for i in range(len(record)):
                data = bytearray(b"".join(records))
                data[at + i] ^= 0x10
                path.write_bytes(data)
                found, health = ours(path)
                others = [step for step in range(n_records) if step != hit - 1]
                n_right += [p[0] for p in found["loss"]] == others and health.n_damaged == 1
            at += len(record)
    lost = [_lost_by_a_flip(lines, at) for at in range(sum(map(len, lines)))]
    return together(
        all_of(n_right, sum(map(len, records)), "flips of an event file that cost the record hit"),
        all_of(sum(n <= 1 for n in lost), len(lost), "flips of a ledger that cost a line at most"),
    )


def _lost_by_a_flip(lines: list[bytes], at: int) -> int:
    """How many alerts are gone; a flip that hits a line's end hits two lines."""
    data = bytearray(b"".join(lines))
    is_end = data[at] == 0x0A
    data[at] ^= 0x10
    return len(set(range(len(lines))) - set(_steps_of(bytes(data)))) - is_end


ODD: dict[str, bytes] = {
    "zeros at the end": _CSV.encode() + bytes(4096),
    "zeros at the beginning": bytes(4096) + _CSV.encode(),
    "a hole": _CSV[:200].encode() + bytes(512) + _CSV[200:].encode(),
    "BOM": b"\xef\xbb\xbf" + _CSV.encode(),
    "CRLF": _CSV.replace("\n", "\r\n").encode(),
    "CR": _CSV.replace("\n", "\r").encode(),
    "NUL in a line": _CSV.encode().replace(b"7,", b"7\0,"),
    "Latin-1": _CSV.replace("loss", "loss,caf\xe9").encode("latin-1"),
    "UTF-16": _CSV.encode("utf-16"),
    "twice": 2 * _CSV.encode(),
    "nothing": b"",
    "only a line's end": b"\n",
}


def odd() -> Figure:
    """Row 27: bytes that editors, power cuts and other systems leave in a log."""
    n_read, n_told, wrong = 0, 0, []
    with tempfile.TemporaryDirectory() as folder:
        for name, data in ODD.items():
            path = Path(folder) / "metrics.csv"
            path.write_bytes(data)
            try:
                n_read += sum(1 for _ in read(path)) >= 40
            except LrwatchError as error:
                n_told += str(path) in str(error)
            except Exception as error:
                wrong.append(f"{name}: {error!r}")
    words = f"of {len(ODD)} odd files {n_read} are read, {n_told} refused by an error that names it"
    return Figure(f"{words}, {len(wrong)} raise {wrong}", not wrong and n_read >= 5)


def followed(n_changes: int, seed: int = 0) -> Figure:
    """Row 28: a ledger that grows, is cut to nothing and replaced, while it is followed."""
    rng, written, seen = random.Random(seed), list[bytes](), list[bytes]()
    n_cut = n_replaced = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "alerts.jsonl"
        path.touch()
        follower = Follower(path, by_name=True)
        assert list(follower.poll()) == []
        for i in range(n_changes):
            line = b"line %d" % i
            written.append(line)
            way = rng.randrange(6)
            if way == 0:  # what was not read of the old file is still read
                n_replaced += 1
                (Path(folder) / "new").write_bytes(line + b"\n")
                os.replace(Path(folder) / "new", path)
            else:
                with path.open("ab") as file:
                    half = rng.randrange(len(line))
                    file.write(line[:half])
                    file.flush()
                    if way == 1:
                        seen += follower.poll()
                    file.write(line[half:] + b"\n")
            if way in (0, 4, 5):  # no file comes and goes unseen between two looks
                seen += follower.poll()
            if way == 5:
                n_cut += 1
                os.truncate(path, 0)
                seen += follower.poll()
        seen += follower.poll()
        follower.close()
    lost, doubled = set(written) - set(seen), len(seen) - len(set(seen))
    words = f"{n_changes:,} changes, {n_cut} cuts, {n_replaced} replacements: "
    return Figure(f"{words}{len(lost)} lines lost, {doubled} doubled", seen == written)
