import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lrwatch.records import Action, Alert
from lrwatch.sinks.history import read_entries, read_ledger
from lrwatch.sinks.ledger import Ledger

ROOT = Path(__file__).parents[2]


def alert(step: int = 3, **changes: object) -> Alert:
    fields = {"kind": "divergence", "severity": "critical", "step": step, "onset": 1}
    return Alert(**{**fields, "message": "loss rose", **changes})  # type: ignore[arg-type]


def strict(line: str) -> dict[str, object]:
    def refuse(word: str) -> float:
        raise ValueError(word)

    found: dict[str, object] = json.loads(line, parse_constant=refuse)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "lrwatch" / "alerts.jsonl"


def test_records_come_back_as_they_were_written(path: Path) -> None:
    records: list[Alert | Action] = [
        alert(evidence={"z": 4.5, "n": 3, "who": None}, value=math.inf, verdict="too_high"),
        Action(kind="outcome", step=9, reason="it came back", helped=True, scale=0.5),
    ]
    ledger = Ledger(path)
    for record in records:
        ledger.write(record)
    assert list(read_ledger(path)) == records


def test_a_line_is_strict_ascii_json_with_version_type_time_and_run(path: Path) -> None:
    ledger = Ledger(path, start_step=7, settings={"model": "größer", "lr": math.inf})
    ledger.write(alert(message="µ \x1b[2J\n", value=math.nan))
    opening, line = path.read_text("ascii").splitlines()
    assert strict(opening)["start_step"] == 7
    assert strict(opening)["settings"] == {"model": "größer", "lr": "Infinity"}
    found = strict(line)
    assert (found["v"], found["type"], found["run"]) == (1, "alert", ledger.run)
    assert str(found["time"]).endswith("Z")
    assert found["value"] == "NaN"


def test_a_line_never_exceeds_four_kibibytes(path: Path) -> None:
    Ledger(path).write(
        alert(
            message="\U0001f525" * 5000,
            advice="x" * 5000,
            evidence=dict.fromkeys(map(str, range(9999))),
        )
    )
    line = path.read_bytes().splitlines(keepends=True)[1]
    assert len(line) <= 4096
    assert strict(line.decode())["truncated"] is True
    assert next(read_ledger(path)).step == 3


def test_settings_of_any_kind_are_told(path: Path) -> None:
    Ledger(path, settings={"path": Path("x"), "decimal": 1.5, "many": [1, {"a": object}]}).write(
        alert()
    )
    assert strict(path.read_text().splitlines()[0])["settings"] == {
        "path": "x",
        "decimal": 1.5,
        "many": [1, {"a": "<class 'object'>"}],
    }


def test_a_torn_line_of_an_earlier_crash_does_not_swallow_the_next(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text('{"v":1,"type":"al')
    Ledger(path).write(alert())
    assert [entry is None for entry in read_entries(path)] == [True, False, False]


@pytest.mark.parametrize("place", ["file", "folder"])
def test_a_symbolic_link_is_refused(path: Path, tmp_path: Path, place: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = path if place == "file" else path.parent
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere / "alerts.jsonl" if place == "file" else elsewhere)
    with pytest.raises(OSError, match="symbolic link"):
        Ledger(path).write(alert())
    assert list(elsewhere.iterdir()) == []


def test_a_pipe_is_refused_and_not_waited_for(path: Path) -> None:
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        Ledger(path).write(alert())


def test_a_line_after_the_file_was_moved_lands_in_a_new_file(path: Path) -> None:
    ledger = Ledger(path)
    ledger.write(alert(1))
    path.rename(path.with_suffix(".old"))
    ledger.write(alert(2))
    assert [record.step for record in read_ledger(path)] == [2]


def test_a_line_that_could_not_be_written_comes_before_the_next(path: Path) -> None:
    path.parent.parent.mkdir()
    path.parent.write_text("in the way")
    ledger = Ledger(path)
    with pytest.raises(OSError, match="exists"):
        ledger.write(alert(1))
    path.parent.unlink()
    ledger.write(alert(2))
    assert [record.step for record in read_ledger(path)] == [1, 2]


FULL_DISK = """
import resource, sys
from pathlib import Path
from lrwatch.records import Alert
from lrwatch.sinks.ledger import Ledger
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
ledger = Ledger(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), hard))
n_failed = 0
for step in range(20):
    if step == 15:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    try:
        ledger.write(Alert(kind="stall", severity="info", step=step, onset=0, message="m"))
    except OSError:
        n_failed += 1
print(n_failed)
"""


@pytest.mark.parametrize("limit", [0, 1, 100, 777, 1500, 2048])
def test_a_full_disk_tears_no_line_and_loses_none_once_there_is_room(
    path: Path, limit: int
) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(path), str(limit)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert int(ran.stdout) > 0
    assert None not in list(read_entries(path))
    assert [record.step for record in read_ledger(path)] == list(range(20))


def test_threads_that_write_at_once_tear_no_line(path: Path) -> None:
    ledgers = [Ledger(path), Ledger(path)]

    def write(ledger: Ledger) -> None:
        for step in range(50):
            ledger.write(alert(step))

    threads = [threading.Thread(target=write, args=(ledger,)) for ledger in ledgers * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = list(read_entries(path))
    assert None not in entries
    assert len(entries) == 8 * 50 + 2
