"""The verdict of a watch lies in the run directory, whole at any time, and nothing else passes."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from lrwatch.sinks.verdict_file import VERDICT_NAME, Standing, VerdictFile, read_standing

ROOT = Path(__file__).parents[2]
STANDING = Standing(
    verdict="healthy", step=299, n_steps=300, closed=True, time=1795397186.055, run="9871186b"
)


def kept(folder: Path) -> Path:
    return folder / VERDICT_NAME


def raw(folder: Path, **changes: object) -> None:
    VerdictFile(folder).write(STANDING)
    found = json.loads(kept(folder).read_bytes())
    kept(folder).write_text(json.dumps({**found, **changes}))


def test_what_is_written_is_read_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = VerdictFile(tmp_path / "run" / "lrwatch")
    for n_steps in (1, 300):
        file.write(replace(STANDING, n_steps=n_steps))
    assert read_standing(tmp_path / "run" / "lrwatch") == STANDING
    assert os.listdir(tmp_path / "run" / "lrwatch") == [VERDICT_NAME]


def test_there_may_be_none(tmp_path: Path) -> None:
    assert read_standing(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 300,
        b"null",
        b"[]",
        b"[" * 4000,
        b'{"a":' * 800,
        b"9" * 4096,
        b"\xff\xfe",
        b'"healthy"',
        b" " * (1 << 20),
    ],
)
def test_anything_else_is_none(tmp_path: Path, data: bytes) -> None:
    kept(tmp_path).write_bytes(data)
    assert read_standing(tmp_path) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"type": "alert"},
        {"verdict": "\x1b[2Jfine"},
        {"verdict": ["healthy"]},
        {"step": 1.5},
        {"step": "299"},
        {"n_steps": None},
        {"step": 10**4000},
        {"time": "yesterday"},
        {"time": 1e300},
        {"more": "x" * 5000},
    ],
)
def test_a_field_that_is_none_of_ours_makes_it_none(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    raw(tmp_path)
    assert read_standing(tmp_path) == STANDING
    raw(tmp_path, **changes)
    assert read_standing(tmp_path) is None


def test_cut_at_any_byte_it_is_none(tmp_path: Path) -> None:
    VerdictFile(tmp_path).write(STANDING)
    line = kept(tmp_path).read_bytes()
    for length in range(len(line) - 1):
        kept(tmp_path).write_bytes(line[:length])
        assert read_standing(tmp_path) is None


def test_a_pipe_and_a_link_are_not_waited_for_nor_followed(tmp_path: Path) -> None:
    os.mkfifo(kept(tmp_path))
    assert read_standing(tmp_path) is None
    VerdictFile(tmp_path / "other").write(STANDING)
    kept(tmp_path).unlink()
    kept(tmp_path).symlink_to(kept(tmp_path / "other"))
    assert read_standing(tmp_path) is None


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "run").mkdir()
    kept(tmp_path / "run").symlink_to(victim)
    VerdictFile(tmp_path / "run").write(STANDING)
    assert victim.read_text() == "mine"
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with pytest.raises(OSError, match="symbolic link"):
        VerdictFile(tmp_path / "link").write(STANDING)


def test_one_that_cannot_be_written_leaves_the_last_one_and_no_litter(tmp_path: Path) -> None:
    file = VerdictFile(tmp_path)
    file.write(STANDING)
    (tmp_path / f".{VERDICT_NAME}-{STANDING.run}").write_text("in the way")
    with pytest.raises(FileExistsError):
        file.write(replace(STANDING, step=400))
    assert read_standing(tmp_path) == STANDING
    assert os.listdir(tmp_path) == [VERDICT_NAME]
    file.write(replace(STANDING, step=400))
    assert read_standing(tmp_path) == replace(STANDING, step=400)


def test_of_two_processes_the_one_that_began_last_has_the_file(tmp_path: Path) -> None:
    first, second = VerdictFile(tmp_path), VerdictFile(tmp_path)
    first.write(replace(STANDING, run="first"))
    second.write(replace(STANDING, run="second"))
    first.write(replace(STANDING, run="first", step=300))
    assert read_standing(tmp_path) == replace(STANDING, run="second")
    second.write(replace(STANDING, run="second", step=301))
    assert read_standing(tmp_path) == replace(STANDING, run="second", step=301)


def test_a_reader_finds_it_whole_while_it_is_replaced(tmp_path: Path) -> None:
    file, stop = VerdictFile(tmp_path), threading.Event()
    file.write(STANDING)

    def write() -> None:
        step = 0
        while not stop.is_set():
            step += 1
            file.write(replace(STANDING, step=10 ** (step % 18)))

    writer = threading.Thread(target=write)
    writer.start()
    found = [read_standing(tmp_path) for _ in range(2000)]
    stop.set()
    writer.join()
    assert None not in found


@pytest.mark.parametrize(
    ("closed", "step", "later_s", "stale"),
    [
        (False, 299, 3600.0, False),
        (False, 300, 10.0, False),
        (False, 300, 61.0, True),
        (False, 300, None, False),
        (True, 299, 3600.0, False),
        (True, 300, 1.0, True),
    ],
)
def test_it_is_stale_where_the_run_went_on_without_it(
    closed: bool, step: int, later_s: float | None, stale: bool
) -> None:
    standing = replace(STANDING, closed=closed)
    time_s = None if later_s is None else standing.time + later_s
    assert standing.is_stale(step, time_s) is stale


SCRIPT = """
import os, signal, sys
import lrwatch
from lrwatch.records import Point, Step
from lrwatch.sinks.run_directory import RunDirectory
directory = RunDirectory(sys.argv[1])
watcher = lrwatch.Watcher()
for step in range(1000):
    watcher.update(Step(step=step, loss=2.0 - 0.001 * step))
    directory.write_point(Point(step=Step(step=step, loss=2.0 - 0.001 * step)))
directory.write_verdict(watcher.verdict)
directory.flush()
while not os.path.exists(os.path.join(sys.argv[1], "lrwatch", "verdict.json")):
    os.sched_yield()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_has_a_verdict_that_says_it_was_not_closed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, check=False, timeout=300)
    assert ended.returncode == -signal.SIGKILL
    found = read_standing(tmp_path / "lrwatch")
    assert found is not None
    assert (found.verdict, found.step, found.n_steps) == ("healthy", 999, 1000)
    assert not found.closed
