import os
import subprocess
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from lrwatch.records import Point, Step
from lrwatch.sinks import event, event_file
from lrwatch.sinks.event_file import EventFile, live_writers
from lrwatch.sinks.run_directory import RunDirectory

ROOT = Path(__file__).parents[2]

FULL_DISK = """
import resource, sys
from pathlib import Path
from lrwatch.sinks import event
from lrwatch.sinks import event_file
from lrwatch.sinks.event_file import EventFile
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
file = EventFile(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), hard))
for step in range(40):
    if step == 30:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    try:
        if not file.is_open:
            file.open(step)
        file.write([event.scalars(0, step, {"loss": 1.0}), event.scalars(0, step, {"lr": 1.0})])
    except OSError as error:
        print(step, type(error).__name__)
"""


def read(folder: Path) -> list[Event]:
    paths = sorted(folder.iterdir())
    return [Event.FromString(x) for path in paths for x in RawEventFileLoader(str(path)).Load()]


def steps(folder: Path) -> list[int]:
    return [e.step for e in read(folder) for v in e.summary.value if v.tag == "loss"]


def write(file: EventFile, step: int) -> None:
    file.write([event.scalars(0, step, {"loss": 1.0})])


def test_a_file_begins_with_version_restart_and_layout(tmp_path: Path) -> None:
    file = EventFile(tmp_path)
    file.open(7)
    file.close()
    version, start, layout = read(tmp_path)
    assert version.file_version == "brain.Event:2"
    assert start.step == 7
    assert layout.summary.value[0].tag == "custom_scalars__config__"


def test_a_later_file_sorts_after_those_that_are_there(tmp_path: Path) -> None:
    for step in range(3):
        file = EventFile(tmp_path)
        file.open(step)
        write(file, step)
        file.close()
    assert steps(tmp_path) == [0, 1, 2]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_that_vanished_is_noticed(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "lrwatch")
    file.open(0)
    assert file.is_open
    for path in file.folder.iterdir():
        path.unlink()
    assert not file.is_open
    file.open(1)
    write(file, 1)
    assert steps(file.folder) == [1]
    file.close()


@pytest.mark.parametrize("limit", [0, 5, 100, 900, 1300, 1301, 1500])
def test_a_full_disk_tears_no_record(tmp_path: Path, limit: int) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), str(limit)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    failed = {int(line.split()[0]) for line in ran.stdout.splitlines()}
    assert failed
    assert steps(tmp_path) == [step for step in range(40) if step not in failed]
    assert max(failed) == 29


def test_a_writer_of_another_process_is_found_and_a_dead_one_is_not(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from lrwatch.sinks.event_file import EventFile;"
        "EventFile(Path(sys.argv[1])).open(0); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert live_writers(tmp_path) == [other.pid]
    assert live_writers(tmp_path) == []


def test_a_file_of_another_host_is_not_that_of_a_process_here(tmp_path: Path) -> None:
    EventFile(tmp_path).open(0)
    (own,) = tmp_path.iterdir()
    head, _, _, end = own.name.rsplit(".", 3)
    (tmp_path / f"{head}.another-host.{os.getppid()}.{end}").touch()
    assert live_writers(tmp_path) == []


def test_who_shares_a_run_directory_is_told_so_on_the_terminal(tmp_path: Path) -> None:
    EventFile(tmp_path / "lrwatch").open(0)
    (own,) = (tmp_path / "lrwatch").iterdir()
    head, _, end = own.name.rsplit(".", 2)
    (tmp_path / "lrwatch" / f"{head}.{os.getppid()}.{end}").touch()  # a process that is alive
    said: list[str] = []
    for _ in range(2):
        directory = RunDirectory(tmp_path, tell=said.append)
        directory.write_point(Point(step=Step(step=0, loss=1.0)))
        directory.close()
    assert len(said) == 2
    assert all(f"process {os.getppid()} seems to write to" in line for line in said)


def test_own_and_foreign_files_are_no_other_writers(tmp_path: Path) -> None:
    EventFile(tmp_path).open(0)
    (tmp_path / "events.out.tfevents.1.host.1.0").touch()
    (tmp_path / f"events.out.tfevents.x.{os.getpid()}.lrwatch").touch()
    assert live_writers(tmp_path) == []
    assert live_writers(tmp_path / "none") == []


def test_on_windows_no_process_is_asked_as_that_would_interrupt_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    EventFile(tmp_path).open(0)
    (own,) = tmp_path.iterdir()
    head, host, _, end = own.name.rsplit(".", 3)
    (tmp_path / f"{head}.{host}.{os.getppid()}.{end}").touch()
    asked: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _: asked.append(pid))
    assert live_writers(tmp_path) == [os.getppid()]
    monkeypatch.setattr(event_file, "_CAN_ASK", False)
    asked.clear()
    assert live_writers(tmp_path) == []
    assert asked == []
