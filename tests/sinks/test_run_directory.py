import gc
import itertools
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref
from itertools import pairwise
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from lrwatch.records import Action, Alert, Point, Step
from lrwatch.sinks import event_writer
from lrwatch.sinks.charts import DIGEST
from lrwatch.sinks.event_writer import EventWriter
from lrwatch.sinks.history import read_entries, read_ledger
from lrwatch.sinks.run_directory import RunDirectory

ROOT = Path(__file__).parents[2]


def point(step: int) -> Point:
    return Point(step=Step(step=step, loss=1.0, grad_norm=1.0, lr=0.1), lo=0.5, hi=1.5)


def alert(step: int) -> Alert:
    return Alert(kind="divergence", severity="critical", step=step, onset=0, message="loss rose")


def ledger(run: Path) -> Path:
    return run / "lrwatch" / "alerts.jsonl"


def events(run: Path) -> list[Event]:
    paths = sorted((run / "lrwatch").glob("events.*"))
    return [Event.FromString(x) for path in paths for x in RawEventFileLoader(str(path)).Load()]


def steps_of(run: Path, tag: str) -> list[int]:
    return [e.step for e in events(run) for v in e.summary.value if v.tag == tag]


def run_script(script: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the exit of Python 3.12.0 to 3.12.2."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)


@pytest.mark.usefixtures("no_threads")
def test_where_no_thread_can_be_started_the_caller_writes(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.write_point(point(3))
    directory.write_alert(alert(3))
    assert list(read_ledger(ledger(tmp_path))) == [alert(3)]
    directory.write_verdict("too_high", closed=True)
    directory.close()
    assert steps_of(tmp_path, "lrwatch/loss") == [3]
    assert (tmp_path / "lrwatch" / "verdict.json").exists()


@pytest.mark.usefixtures("no_threads")
def test_what_goes_wrong_without_a_thread_is_told_and_not_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "lrwatch").write_text("no folder")
    directory = RunDirectory(tmp_path)
    directory.write_alert(alert(3))
    directory.close()
    assert ["cannot be written" in r.getMessage() for r in caplog.records] == [True]


def test_an_alert_and_an_action_are_on_disk_at_once(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.write_alert(alert(3))
    assert list(read_ledger(ledger(tmp_path))) == [alert(3)]
    action = Action(kind="stop", step=4, reason="it is over")
    directory.write_action(action)
    assert list(read_ledger(ledger(tmp_path))) == [alert(3), action]
    directory.close()


def test_nothing_is_made_before_the_first_record(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    directory.close()
    assert list(tmp_path.iterdir()) == []


def test_points_are_drawn_and_the_segment_is_opened(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path, settings={"batch_size": 64})
    for step in range(500, 520):
        directory.write_point(point(step))
    directory.close()
    drawn = steps_of(tmp_path, "lrwatch/loss")
    assert (drawn[0], drawn[-1]) == (500, 519)
    (opening,) = read_entries(ledger(tmp_path))
    assert opening is not None
    assert opening.raw["start_step"] == 500
    assert opening.raw["settings"] == {"batch_size": 64}


def digests(run: Path) -> list[str]:
    return [
        value.tensor.string_val[0].decode()
        for event in events(run)
        for value in event.summary.value
        if value.tag == "lrwatch/digest"
    ]


def test_the_digest_counts_each_alert_of_all_segments_once(tmp_path: Path) -> None:
    for start in (1, 11, 5):
        directory = RunDirectory(tmp_path, start_step=start)
        directory.write_alert(alert(start))
        directory.close()
    assert [text.splitlines()[0] for text in digests(tmp_path)] == [
        "**1 alert, 0 actions; last: CRIT divergence at step 1**",
        "**2 alerts, 0 actions; last: CRIT divergence at step 11**",
        "**2 alerts, 0 actions; last: CRIT divergence at step 5**",
    ]
    assert digests(tmp_path)[-1].count("superseded") == 1


@pytest.mark.parametrize("pause_s", [0.0, 20.0])  # an evaluation, after which they are judged
def test_steps_that_come_in_batches_are_drawn_evenly(tmp_path: Path, pause_s: float) -> None:
    directory = RunDirectory(tmp_path)
    began = time.time() - 4.0 - pause_s
    for step in range(4000):
        seen = Step(step=step, loss=1.0, time=began + 0.001 * step)
        directory.write_point(Point(step=seen))
    directory.close()
    drawn = steps_of(tmp_path, "lrwatch/loss")
    assert len(drawn) in range(38, 44)
    assert max(b - a for a, b in pairwise(drawn)) <= 110


def test_a_clock_that_jumps_changes_no_order(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    for step, jump in enumerate([0.0, -3600.0, 3600.0, -3600.0, 0.0]):
        directory.write_point(Point(step=Step(step=step, loss=1.0, time=time.time() + jump)))
        directory.write_alert(alert(step))
    directory.close()
    assert steps_of(tmp_path, "lrwatch/loss") == [0, 1, 2, 3, 4]
    walls = [event.wall_time for event in events(tmp_path)]
    assert max(walls) - min(walls) < 60


def test_a_closed_directory_takes_nothing_more(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.write_alert(alert(1))
    directory.close()
    directory.close()
    directory.write_alert(alert(2))
    directory.write_point(point(3))
    assert [record.step for record in read_ledger(ledger(tmp_path))] == [1]


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_an_impossible_name_is_refused_at_once(name: str) -> None:
    with pytest.raises(ValueError, match="path must be the name of a directory"):
        RunDirectory(name)


@pytest.mark.parametrize("obstacle", ["file", "link", "long"])
def test_an_unwritable_directory_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, obstacle: str
) -> None:
    run = tmp_path / ("x" * 300 if obstacle == "long" else "run")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if obstacle == "file":
        run.write_text("in the way")
    if obstacle == "link":
        run.mkdir()
        (run / "lrwatch").symlink_to(elsewhere)
    directory = RunDirectory(run)
    for step in range(20):
        directory.write_point(point(step))
        directory.write_alert(alert(step))
    directory.close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "training goes on" in caplog.text
    assert list(elsewhere.iterdir()) == []


def test_a_vanished_directory_is_made_again(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    directory.write_alert(alert(1))
    shutil.rmtree(tmp_path / "run")
    directory.write_alert(alert(2))
    directory.close()
    assert [record.step for record in read_ledger(ledger(tmp_path / "run"))] == [2]
    assert 2 in steps_of(tmp_path / "run", "lrwatch/mark/divergence")


def test_an_event_file_that_vanished_is_begun_anew_with_the_digest(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.write_alert(alert(1))
    while not (written := list((tmp_path / "lrwatch").glob("events.*"))) or not steps_of(
        tmp_path, "lrwatch/mark/divergence"
    ):
        time.sleep(0.01)
    written[0].unlink()
    directory.write_point(point(2))
    directory.close()
    starts = [e.step for e in events(tmp_path) if e.HasField("session_log")]
    assert starts == [3]
    assert steps_of(tmp_path, "lrwatch/loss") == [2]
    assert steps_of(tmp_path, DIGEST)


def test_what_waits_for_the_disk_is_bounded_and_the_latest_is_kept(
    tmp_path: Path, no_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_writer, "_MAX_BACKLOG", 8)
    directory = RunDirectory(tmp_path)
    for step in range(50):
        directory.write_alert(alert(step))
    directory.close()
    assert [record.step for record in read_ledger(ledger(tmp_path))] == list(range(50))
    marked = steps_of(tmp_path, "lrwatch/mark/divergence")
    assert 49 in marked
    assert len(marked) <= 8


def test_alerts_that_found_no_room_are_written_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "lrwatch").write_text("in the way")
    directory = RunDirectory(tmp_path)
    directory.write_alert(alert(1))
    (tmp_path / "lrwatch").unlink()
    directory.close()
    assert [record.step for record in read_ledger(ledger(tmp_path))] == [1]
    assert 1 in steps_of(tmp_path, "lrwatch/mark/divergence")
    assert len(caplog.records) == 1


def test_a_logging_handler_that_raises_does_not_reach_the_training(tmp_path: Path) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError

    (tmp_path / "lrwatch").write_text("in the way")
    handler = Broken()
    logging.getLogger("lrwatch").addHandler(handler)
    try:
        directory = RunDirectory(tmp_path)
        directory.write_alert(alert(1))
        directory.close()
    finally:
        logging.getLogger("lrwatch").removeHandler(handler)
    assert (tmp_path / "lrwatch").read_text() == "in the way"


def test_a_full_queue_drops_points_and_no_alerts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, begin = threading.Event(), EventWriter._begin

    def begin_late(writer: EventWriter) -> None:
        full.wait(120)
        begin(writer)

    monkeypatch.setattr(EventWriter, "_begin", begin_late)
    directory = RunDirectory(tmp_path)
    for step in range(20_000):
        directory.write_point(point(step))
    directory.write_alert(alert(20_000))
    full.set()
    directory.close()
    digests = [
        e.summary.value[0].tensor
        for e in events(tmp_path)
        if b"points are not" in e.SerializeToString()
    ]
    assert digests
    assert 20_000 in steps_of(tmp_path, "lrwatch/mark/divergence")


def test_a_point_that_cannot_be_drawn_harms_nothing(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.write_point(Point(step=Step(step=0, loss="much")))  # type: ignore[arg-type]
    directory.write_point(point(1))
    directory.write_alert(alert(2))
    directory.close()
    assert 2 in steps_of(tmp_path, "lrwatch/mark/divergence")


def test_a_forked_child_writes_nothing_and_ends(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.write_alert(alert(1))
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        pid = os.fork()
    if not pid:
        for step in range(1000):
            directory.write_point(point(step))
            directory.write_alert(alert(step))
        directory.close()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    directory.write_alert(alert(2))
    directory.close()
    assert [record.step for record in read_ledger(ledger(tmp_path))] == [1, 2]


def test_a_directory_that_is_forgotten_ends_its_thread(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.write_point(point(1))
    (thread,) = [t for t in threading.enumerate() if t.name == "lrwatch-events"]
    forgotten = weakref.ref(directory)
    del directory
    gc.collect()
    thread.join(120)
    assert forgotten() is None
    assert not thread.is_alive()
    assert steps_of(tmp_path, "lrwatch/loss") == [1]


UNCLOSED = """
import sys
from lrwatch.records import Alert, Point, Step
from lrwatch.sinks.run_directory import RunDirectory
directory = RunDirectory(sys.argv[1])
directory.write_point(Point(step=Step(step=1, loss=1.0)))
directory.write_alert(Alert(kind="stall", severity="info", step=1, onset=0, message="m"))
heavy = {"torch", "numpy", "tensorboard", "pandas", "scipy", "google.protobuf"} & set(sys.modules)
print(sorted(heavy))
"""


def test_a_program_that_ends_without_close_has_all_written(tmp_path: Path) -> None:
    ran = run_script(UNCLOSED, tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert steps_of(tmp_path, "lrwatch/loss") == [1]


def test_writing_imports_nothing_heavy(tmp_path: Path) -> None:
    assert run_script(UNCLOSED, tmp_path).stdout == "[]\n"


STALLED = """
import os, sys, threading
from lrwatch.records import Alert, Point, Step
from lrwatch.sinks import event_writer
from lrwatch.sinks.run_directory import RunDirectory
never = threading.Event()
event_writer.EventFile.write = lambda *args: never.wait()
directory = RunDirectory(sys.argv[1])
directory.write_alert(Alert(kind="stall", severity="info", step=1, onset=0, message="m"))
directory.close()
print("closed", flush=True)
"""


def test_a_disk_that_hangs_does_not_keep_the_program(tmp_path: Path) -> None:
    ran = run_script(STALLED, tmp_path)
    assert (ran.stdout, ran.returncode) == ("closed\n", 0)
    assert [record.step for record in read_ledger(ledger(tmp_path))] == [1]


def alerting_child(run: Path, start: int, *, every: int) -> tuple[int, int]:
    """A forked process that alerts for ever, and the pipe into which it prints each alert."""
    reader, writer = os.pipe()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    directory = RunDirectory(run, start_step=start)
    for step in itertools.count(start):
        directory.write_point(point(step))
        if step % every == 0:
            directory.write_alert(alert(step))
            os.write(writer, b"%d\n" % step)
    os._exit(1)


def killed(pid: int, reader: int, *, after: int) -> list[int]:
    """Kill the process when it has printed ``after`` bytes; all the alerts that it printed."""
    printed = b""
    while len(printed) < after and (data := os.read(reader, after)):
        printed += data
    os.kill(pid, signal.SIGKILL)
    while data := os.read(reader, 1 << 16):
        printed += data
    os.close(reader)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    return [int(line) for line in printed.split(b"\n")[:-1]]


def test_after_kills_every_alert_that_was_printed_is_on_disk(tmp_path: Path) -> None:
    printed: set[int] = set()
    for kill in range(40):
        child = alerting_child(tmp_path, 10_000 * kill, every=3)
        printed |= set(killed(*child, after=1 + 7 * kill))
    on_disk = [record.step for record in read_ledger(ledger(tmp_path))]
    assert len(printed) > 40
    assert printed <= set(on_disk)
    assert len(on_disk) == len(set(on_disk))
    assert None not in list(read_entries(ledger(tmp_path)))


def test_after_kills_each_event_file_can_be_read_to_its_end(tmp_path: Path) -> None:
    for kill in range(5):
        child = alerting_child(tmp_path, 10**6 * kill, every=50_000)
        while sum(p.stat().st_size > 0 for p in (tmp_path / "lrwatch").glob("events.*")) <= kill:
            time.sleep(0.01)
        killed(*child, after=1)
    assert len([event for event in events(tmp_path) if event.file_version]) == 5
    assert {event.step // 10**6 for event in events(tmp_path)} >= set(range(5))
