"""The catalog of runs and the table of their verdicts."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from lrwatch.plugin.catalog import Catalog
from lrwatch.plugin.places import Place
from lrwatch.plugin.reader import Reader
from lrwatch.plugin.table import Table
from tests.plugin import logs


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def names(catalog: Catalog) -> list[str]:
    return [run.name for run in catalog.runs().values()]


def test_the_folders_are_walked_anew_after_a_while_and_not_before(tmp_path: Path) -> None:
    logs.plain(tmp_path / "a", [1.0])
    clock = Clock()
    catalog = Catalog([Place(tmp_path)], interval_s=3, clock=clock)
    catalog.refresh(wait_s=300)
    logs.plain(tmp_path / "b", [1.0])
    clock.now_s = 2.9
    catalog.refresh(wait_s=300)
    assert names(catalog) == ["a"]
    clock.now_s = 3.0
    catalog.refresh(wait_s=300)
    assert names(catalog) == ["a", "b"]


def test_a_logdir_that_is_missing_is_told_and_found_once_it_is_there(tmp_path: Path) -> None:
    clock = Clock()
    catalog = Catalog([Place(tmp_path / "later")], clock=clock)
    catalog.refresh(wait_s=300)
    assert catalog.problems == (f"{tmp_path}/later: no such file or folder",)
    logs.plain(tmp_path / "later" / "run", [1.0])
    clock.now_s = 99.0
    catalog.refresh(wait_s=300)
    assert names(catalog) == ["run"]
    assert not catalog.problems


def test_a_run_that_was_deleted_leaves_the_table(tmp_path: Path) -> None:
    logs.plain(tmp_path / "a", [1.0, 2.0])
    clock = Clock()
    table = Table(Catalog([Place(tmp_path)], clock=clock), n_readers=1)
    told = table.poll(0, "", wait_s=300)
    (row,) = told["rows"]
    (tmp_path / "a" / "events.out.tfevents.1.x").unlink()
    clock.now_s = 99.0
    later = table.poll(told["rev"], told["epoch"], wait_s=300)
    assert (later["rows"], later["removed"]) == ([], [row["id"]])
    table.close()


def settled(table: Table) -> dict[str, object]:
    while (told := table.poll(0, "", wait_s=300))["n_waiting"]:
        threading.Event().wait(0.02)
    row: dict[str, object] = told["rows"][0]
    return row


def test_a_log_that_grew_is_judged_again_but_not_at_once(tmp_path: Path) -> None:
    logs.plain(tmp_path / "a", logs.falling(50))
    clock = Clock()
    table = Table(Catalog([Place(tmp_path)], clock=clock), n_readers=1, clock=clock)
    assert settled(table)["last_step"] == 49
    logs.plain(tmp_path / "a", logs.falling(50), first=50)
    clock.now_s = 4.0
    assert settled(table)["last_step"] == 49
    assert not table._working
    clock.now_s = 40.0
    while settled(table)["last_step"] != 99:
        threading.Event().wait(0.02)
    table.close()


def test_a_log_of_over_a_gibibyte_is_judged_only_when_it_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    path = tmp_path / "large" / "events.out.tfevents.1.x"
    logs.plain(tmp_path / "large", logs.falling(50))
    os.truncate(path, (1 << 30) + 1)
    logs.plain(tmp_path / "small", logs.falling(50))
    table = Table(Catalog([Place(tmp_path)]), n_readers=1)
    told = table.poll(0, "", wait_s=300)
    states = {row["name"]: row["state"] for row in told["rows"]}
    assert states["large"] == "large"
    while told["n_waiting"]:
        threading.Event().wait(0.02)
        told = table.poll(0, "", wait_s=300)
    assert {row["name"]: row["state"] for row in told["rows"]} == {
        "large": "large",
        "small": "judged",
    }
    table.close()


def test_one_process_reads_all_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = list[Reader]()
    start = Reader._started

    def counting(reader: Reader) -> subprocess.Popen[bytes]:
        before = reader._process
        process = start(reader)
        if process is not before:
            started.append(reader)
        return process

    monkeypatch.setattr(Reader, "_started", counting)
    for name in "abc":
        logs.plain(tmp_path / name, logs.falling(50))
    table = Table(Catalog([Place(tmp_path)]), n_readers=1)
    told = table.poll(0, "", wait_s=300)
    while told["n_waiting"]:
        threading.Event().wait(0.02)
        told = table.poll(0, "", wait_s=300)
    assert [row["state"] for row in told["rows"]] == ["judged"] * 3
    assert len(started) == 1
    table.close()
