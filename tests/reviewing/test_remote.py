"""Runs at a URL are fetched into a folder of their own, read there, and called by their URL."""

import json
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from click.testing import CliRunner, Result
from torch.utils.tensorboard import SummaryWriter

from lrwatch.cli import main
from lrwatch.errors import LrwatchError
from lrwatch.readers.reading import read
from lrwatch.readers.remote import reachable, runs_at
from lrwatch.records import Alert, Point, Step
from lrwatch.reviewing.review import review
from lrwatch.sinks.run_directory import RunDirectory

BROKEN = "step,loss\n" + "".join(f"{i},{1 / (1 + i) if i < 90 else math.nan}\n" for i in range(100))


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Three runs, and what is none."""
    top = tmp_path / "runs"
    with SummaryWriter(str(top / "events")) as writer:
        for i in range(20):
            writer.add_scalar("loss", 1.0, i)
    directory = RunDirectory(top / "attached")
    directory.write_point(Point(step=Step(step=0, loss=1.0)))
    alert = Alert(kind="stall", severity="warning", step=1, onset=0, message="flat")
    directory.write_alert(alert)
    directory.close()
    (top / "logs/deep").mkdir(parents=True)
    (top / "logs/deep/log.csv").write_text(BROKEN)
    (top / "logs/labels.txt").write_text("1 2 3\n")
    (top / "logs/big.bin").write_bytes(bytes(100))
    return top


@pytest.fixture
def storage(disk: Path) -> Iterator[str]:
    """The same in a storage that is no disk."""
    memory = fsspec.filesystem("memory")
    memory.put(str(disk), "/bucket/runs", recursive=True)
    yield "memory://bucket/runs"
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def lrwatch(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def verdicts(done: Result) -> list[tuple[object, ...]]:
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        (run["run"].partition("runs")[2], run["format"], run["n_steps"], run["onset"])
        for run in found
    ]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that nobody else puts any into."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def test_a_scan_of_a_url_finds_and_judges_what_one_of_the_disk_does(
    disk: Path, storage: str, temporary: Path
) -> None:
    there, here = (lrwatch("scan", "-j", 1, "--json", top) for top in (storage, disk))
    assert verdicts(there) == verdicts(here)
    assert [run[1] for run in verdicts(here)] == ["lrwatch", "tensorboard", "csv"]
    assert "memory://bucket/runs/logs/deep/log.csv" in there.stdout
    assert list(temporary.iterdir()) == []


def test_a_url_of_this_disk_is_read_in_place(disk: Path) -> None:
    assert list(runs_at(f"file://{disk}")) == [f"file://{run}" for run in runs_at(disk)]
    with reachable(f"file://{disk}/logs/deep/log.csv") as place:
        assert place.path == disk / "logs/deep/log.csv"


def test_every_command_that_reads_takes_a_url(storage: str, tmp_path: Path) -> None:
    url = f"{storage}/logs/deep/log.csv"
    check = lrwatch("check", "--fail-on", "warning", url)
    assert check.stdout.startswith(f"{url}: undecided (csv, 100 steps)\n  CRIT  non_finite")
    assert check.exit_code == 20
    assert lrwatch("tags", url).stdout.startswith(f"{url}: csv\n  step       step\n")
    assert lrwatch("report", url, "-o", tmp_path / "report.html").exit_code == 0
    assert url in (tmp_path / "report.html").read_text()
    reviewed = review(url)
    assert {alert.onset for alert in reviewed.alerts} == {90}
    assert repr(reviewed).startswith(f"<Review of '{url}': ")


def test_a_run_that_lrwatch_watched_comes_with_its_alerts(storage: str) -> None:
    done = lrwatch("check", "--fail-on", "warning", f"{storage}/attached")
    assert done.stdout.startswith(f"{storage}/attached: ")
    assert "WARN  stall from step 0: flat" in done.stdout


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("memory://bucket/none", "memory://bucket/none: "),
        ("nosuch://bucket/x", "Protocol not known"),
        ("zip://a::memory://b.zip", "archives in it are not opened"),
        ("memory://bucket/runs/logs/labels.txt", "is no log that is known here"),
    ],
)
def test_an_error_names_the_url(storage: str, url: str, words: str) -> None:
    for command in ("check", "tags", "scan"):
        done = lrwatch(command, *(["-j", 1] if command == "scan" else []), url)
        assert done.exit_code == 3
        assert words in done.stdout + done.stderr
        assert "lrwatch-" not in done.stdout + done.stderr


def test_without_fsspec_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)
    with pytest.raises(LrwatchError, match=r"needs fsspec: pip install 'lrwatch\[remote\]'"):
        review("s3://bucket/run")


def test_a_run_that_is_too_large_is_not_fetched(
    storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.readers.remote.MAX_BYTES", 100)
    with pytest.raises(LrwatchError, match="expected at most 0 GiB, got"):
        review(f"{storage}/events")


@pytest.mark.parametrize("name", ["..", "a\\..\\b.csv", "x\0.csv", "/etc/passwd"])
def test_no_name_in_a_storage_leads_out_of_the_copy(
    storage: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    memory = fsspec.filesystem("memory")
    listing = memory.ls

    def evil(path: str, detail: bool = True, **more: object) -> list[dict[str, object]]:
        entry = {"name": f"{path}/{name}", "type": "file", "size": 3}
        return [*listing(path, detail=True), entry]

    monkeypatch.setattr(type(memory), "ls", staticmethod(evil))
    with reachable(f"{storage}/logs/deep") as place:
        found = sorted(path.name for path in place.path.iterdir())
    assert found == ["log.csv"]


def test_steps_are_read_from_a_url_whose_copy_lasts_as_long_as_the_reading(storage: str) -> None:
    reading = read(f"{storage}/logs/deep/log.csv")
    copy = Path(reading.path)
    assert reading.name == f"{storage}/logs/deep/log.csv"
    assert copy.is_file()
    assert next(reading).loss is not None
    assert len(list(reading)) > 10
    del reading
    assert not copy.exists()
