"""Whatever lies where a log should be: words, a documented code, and the others unharmed."""

import gzip
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lrwatch.cli import main
from lrwatch.records import Alert
from lrwatch.sinks import event
from lrwatch.sinks.framing import frame
from lrwatch.sinks.ledger_line import encode

ROOT = Path(__file__).parents[2]
N_GOOD = 50
ESCAPE = "\x1b]52;c;x\x07\x9b2J\u202e<script>alert(1)</script>|\r::error::"
CODES = {0, 2, 3, 10, 20}


def scalars(n: int, tag: str = "loss") -> bytes:
    return b"".join(frame(event.scalars(1e9 + i, i, {tag: 1.0})) for i in range(n))


def deep(opening: str, closing: str) -> bytes:
    line = '{"step": 1, "loss": ' + opening * 100_000 + closing * 100_000 + "}\n"
    return b'{"step": 0, "loss": 1}\n' + line.encode() + b'{"step": 2, "loss": 1}\n'


BAD: dict[str, Callable[[], bytes]] = {
    "empty.csv": bytes,
    "zeros.jsonl": lambda: bytes(8192),
    "noise.log": lambda: bytes(range(256)) * 200,
    "packed.csv": lambda: gzip.compress(b"step,loss\n1,2\n"),
    "zip.json": lambda: b"PK\x03\x04" + bytes(99),
    "arrays.jsonl": lambda: deep("[", "]"),
    "objects.jsonl": lambda: deep('{"a":', "}"),
    "deep.json": lambda: b"[" * 1_000_000,
    "digits.jsonl": lambda: b'{"step": %s, "loss": 1}\n' % (b"9" * 5000) * 9,
    "whole.jsonl": lambda: b'{"step": %s, "loss": 1}\n' % (b"9" * 400) * 9,
    "inside.log": lambda: b"[1, %s] loss: 2.5\n" % (b"9" * 400) * 9,
    "long.log": lambda: b"[1, %s] loss: 2.5\n" % (b"9" * 5000) * 9,
    "huge.jsonl": lambda: b'{"step": 1e999, "loss": 1e999}\n' * 99,
    "surrogate.jsonl": lambda: b'{"step": 1, "loss\\ud800": 1, "loss": "\\ud800"}\n' * 9,
    "tie.csv": lambda: b"step,loss_a,loss_b\n0,1,1\n1,1,1\n",
    "wide.csv": lambda: b",".join(b"loss%d" % i for i in range(30_000)) + b"\n1\n",
    "evil.csv": lambda: f"step,loss{ESCAPE[:-10]},loss2{ESCAPE[:6]}\n0,1,2\n1,2,3\n".encode(),
    "a.tfevents.tebibyte": lambda: (
        scalars(5) + frame(b"")[:0] + struct.pack("<Q", 1 << 40) + bytes(500)
    ),
    "b.tfevents.cut": lambda: scalars(30)[:-7],
    "c.tfevents.noise": lambda: scalars(3) + bytes(range(256)) * 99 + scalars(3),
    "d.tfevents.evil": lambda: scalars(30, f"loss/{ESCAPE}") + scalars(30, "loss/other"),
    "e.tfevents.tags": lambda: b"".join(scalars(1, f"loss {i}") for i in range(3000)),
}
COMMANDS: dict[str, list[str]] = {
    "scan": ["scan", "-j", "1"],
    "check": ["check"],
    "github": ["check", "--format", "github"],
    "tags": ["tags"],
    "tail": ["tail"],
    "live": ["live", "--once"],
    "report": ["report"],
}


def lrwatch(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(main, [*map(str, arguments)])


def assert_tame(done: Result) -> None:
    assert done.exit_code in CODES
    assert (done.stdout + done.stderr).replace("\n", "").isprintable()
    assert "Traceback" not in done.stderr
    assert done.exception is None or isinstance(done.exception, SystemExit)


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_log_is_told_in_words(tmp_path: Path, command: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(BAD[name]())
    more = ["-o", tmp_path / "out.html"] if command == "report" else []
    done = lrwatch(*COMMANDS[command], path, *more)
    assert_tame(done)
    if (tmp_path / "out.html").exists():
        assert "<script>" not in (tmp_path / "out.html").read_text()


@pytest.mark.parametrize("command", ["scan", "live"])
def test_no_bad_log_hides_a_good_one(tmp_path: Path, command: str) -> None:
    for name, data in BAD.items():
        (tmp_path / name.partition(".")[0]).mkdir()
        (tmp_path / name.partition(".")[0] / name).write_bytes(data())
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "none")
    (tmp_path / "zz.csv").write_text("step,loss\n" + "".join(f"{i},1\n" for i in range(N_GOOD)))
    done = lrwatch(*COMMANDS[command], tmp_path)
    assert_tame(done)
    assert done.exit_code == 0
    assert "zz.csv" in done.stdout
    assert "loop" not in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_alerts_of_another_version_are_left_out_and_the_others_told(
    tmp_path: Path, command: str
) -> None:
    alert = Alert(kind="stall", severity="warning", step=7, onset=1, message="no progress")
    good = encode(alert, time_s=1e9, run="ab")
    changes = [
        (b'"severity":"warning"', b'"severity":"fatal"'),
        (b'"verdict":null', b'"verdict":"sideways"'),
        (b'"step":7', b'"step":%s' % (b"9" * 400)),
        (b'"time":"2001-09-09T01:46:40.000Z"', b'"time":"9999-12-31T23:59:59-12:00"'),
    ]
    (tmp_path / "lrwatch").mkdir()
    ledger = tmp_path / "lrwatch" / "alerts.jsonl"
    ledger.write_bytes(b"".join(good.replace(*change) for change in changes) + good)
    more = ["-o", tmp_path / "out.md"] if command == "report" else []
    done = lrwatch(*COMMANDS[command], tmp_path, *more)
    assert_tame(done)
    told = (tmp_path / "out.md").read_text() if more else done.stdout
    assert ("no progress" in told) == (command != "tags")
    assert "sideways" not in told


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "report"])
@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda p: p.symlink_to(p), lambda p: p.symlink_to("/dev/zero")]
)
def test_what_is_no_file_is_never_waited_for(
    tmp_path: Path, command: str, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "x.csv")
    assert_tame(lrwatch(*COMMANDS[command], tmp_path / "x.csv"))


@pytest.mark.parametrize("command", ["scan", "check", "tail"])
def test_cut_or_flipped_at_any_byte_a_log_is_read_or_told(tmp_path: Path, command: str) -> None:
    rows = "".join(f'{{"step": {i}, "loss": {1 / (i + 1):.3f}}}\n' for i in range(3))
    for name, data in (("x.jsonl", rows.encode()), ("x.tfevents.1", scalars(3))):
        path = tmp_path / name
        for at in range(0, len(data), 3):
            for damaged in (data[:at], data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]):
                path.write_bytes(damaged)
                assert_tame(lrwatch(*COMMANDS[command], path))


def peak_kib(*arguments: object) -> tuple[int, str]:
    """Peak memory of a command in a process of its own, and what it said."""
    script = (
        "import resource, sys\n"
        "from lrwatch.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    *words, last = done.stdout.splitlines()
    return int(last), "\n".join(words) + done.stderr


@pytest.mark.parametrize("command", ["scan", "tail", "live"])
def test_a_line_of_very_many_bytes_takes_no_memory(tmp_path: Path, command: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n" + "".join(f"{i},1\n" for i in range(N_GOOD)))
    with path.open("r+b") as file:
        file.truncate(500 << 20)
        file.seek(0, os.SEEK_END)
        file.write(b"\n50,1\n51,1\n")
    limit, _ = peak_kib("--version")
    used, words = peak_kib(*COMMANDS[command], path)
    assert used < limit + (100 << 10)
    assert json.dumps(N_GOOD + 2) in words.replace("step 51", "52")


def test_a_folder_of_very_many_files_is_listed_in_little_memory(tmp_path: Path) -> None:
    for i in range(4000):
        (tmp_path / f"{i}.txt").touch()
    (tmp_path / "run.csv").write_text("step,loss\n0,1\n1,1\n")
    limit, _ = peak_kib("--version")
    used, words = peak_kib("scan", "-j", 1, tmp_path)
    assert "run.csv" in words
    assert used < limit + (100 << 10)
