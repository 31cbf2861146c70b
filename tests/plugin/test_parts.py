"""The parts of the server: the catalog, the table, the readers, the story, what is installed."""

import io
import os
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from lrwatch.plugin.catalog import Catalog
from lrwatch.plugin.curves import Gathered
from lrwatch.plugin.frames import packed, read_frame
from lrwatch.plugin.places import Place
from lrwatch.plugin.reader import Reader
from lrwatch.plugin.story import Told, story, told_by_ledger
from lrwatch.plugin.table import Table
from lrwatch.records import Action, Step
from lrwatch.sinks.ledger import Ledger
from tests.plugin import logs

ROOT = Path(__file__).parents[2]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def names(catalog: Catalog) -> list[str]:
    return [run.name for run in catalog.runs().values()]


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


def test_the_folders_are_walked_anew_after_a_while_and_not_before(tmp_path: Path) -> None:
    logs.plain(tmp_path / "a", [1.0])
    clock = Clock()
    catalog = Catalog([Place(tmp_path)], interval_s=3, clock=clock)
    catalog.refresh(wait_s=60)
    logs.plain(tmp_path / "b", [1.0])
    clock.now_s = 2.9
    catalog.refresh(wait_s=60)
    assert names(catalog) == ["a"]
    clock.now_s = 3.0
    catalog.refresh(wait_s=60)
    assert names(catalog) == ["a", "b"]


def test_a_logdir_that_is_missing_is_told_and_found_once_it_is_there(tmp_path: Path) -> None:
    clock = Clock()
    catalog = Catalog([Place(tmp_path / "later")], clock=clock)
    catalog.refresh(wait_s=60)
    assert catalog.problems == (f"{tmp_path}/later: no such file or folder",)
    logs.plain(tmp_path / "later" / "run", [1.0])
    clock.now_s = 99.0
    catalog.refresh(wait_s=60)
    assert names(catalog) == ["run"]
    assert not catalog.problems


def test_a_run_that_was_deleted_leaves_the_table(tmp_path: Path) -> None:
    logs.plain(tmp_path / "a", [1.0, 2.0])
    clock = Clock()
    table = Table(Catalog([Place(tmp_path)], clock=clock), n_readers=1)
    told = table.poll(0, "", wait_s=60)
    (row,) = told["rows"]
    (tmp_path / "a" / "events.out.tfevents.1.x").unlink()
    clock.now_s = 99.0
    later = table.poll(told["rev"], told["epoch"], wait_s=60)
    assert (later["rows"], later["removed"]) == ([], [row["id"]])
    table.close()


def settled(table: Table) -> dict[str, object]:
    while (told := table.poll(0, ""))["n_waiting"]:
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
    told = table.poll(0, "", wait_s=60)
    states = {row["name"]: row["state"] for row in told["rows"]}
    assert states["large"] == "large"
    while told["n_waiting"]:
        threading.Event().wait(0.02)
        told = table.poll(0, "")
    assert {row["name"]: row["state"] for row in told["rows"]} == {
        "large": "large",
        "small": "judged",
    }
    table.close()


def test_a_reader_that_was_killed_is_started_again(reader: Reader, tmp_path: Path) -> None:
    logs.plain(tmp_path / "a", logs.falling(50))
    reader.start()
    assert reader._process is not None
    reader._process.kill()
    reader._process.wait()
    ((header, _),) = reader.ask("summary", str(tmp_path / "a"))
    assert header["summary"]["n_steps"] == 50


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
    told = table.poll(0, "", wait_s=60)
    while told["n_waiting"]:
        threading.Event().wait(0.02)
        told = table.poll(0, "")
    assert [row["state"] for row in told["rows"]] == ["judged"] * 3
    assert len(started) == 1
    table.close()


def test_a_reader_that_dies_over_a_run_is_told_of_and_the_next_run_is_read(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.plain(tmp_path / "a", logs.falling(50))
    with monkeypatch.context() as dying:
        dying.setattr(sys, "executable", shutil.which("true"))
        ((header, _),) = reader.ask("study", str(tmp_path / "a"))
    assert header == {"error": "the process that read it ended early (out of memory?)"}
    ((header, arrays),) = reader.ask("study", str(tmp_path / "a"))
    assert (header["about"]["n_steps"], len(arrays["step"])) == (50, 50)


def test_a_run_that_cannot_be_read_is_an_answer_too(reader: Reader, tmp_path: Path) -> None:
    ((header, arrays),) = reader.ask("study", str(tmp_path / "nothing"))
    assert header == {"error": "cannot be opened: No such file or directory"}
    assert arrays == {}


def test_a_frame_comes_back_as_it_was() -> None:
    arrays = {"a": np.array([1.0, np.nan]), "b": np.array([True, False, True]), "c": np.arange(3)}
    header, found = read_frame(io.BytesIO(packed({"x": "é"}, arrays)))
    assert header == {"x": "é"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_a_frame_that_is_cut_off_is_the_end_of_the_file() -> None:
    data = packed({"x": 1}, {"a": np.arange(9)})
    for n in range(len(data)):
        with pytest.raises(EOFError):
            read_frame(io.BytesIO(data[:n]))


def test_what_a_restart_undid_is_not_told(tmp_path: Path) -> None:
    for start in (0, 80):
        ledger = Ledger(tmp_path / "lrwatch" / "alerts.jsonl", start_step=start)
        for alert in (logs.HIGH, logs.STALL):
            if alert.step >= start:
                ledger.write(alert)
    told = told_by_ledger(tmp_path)
    assert [one.record.step for one in told] == [60, 90]
    assert told[0].segment != told[1].segment
    assert told_by_ledger(tmp_path / "nothing") == []


def test_of_very_many_records_the_first_and_the_last_are_told() -> None:
    actions = [Told(record=Action(kind="skip", step=step, reason="")) for step in range(5000)]
    found = story(actions)
    steps = [record["step"] for record in found["records"]]
    assert (steps[:1000], steps[1000:]) == (list(range(1000)), list(range(4000, 5000)))
    assert found["n_left_out"] == 3000


def test_steps_that_were_run_again_replace_those_before() -> None:
    gathered = Gathered()
    for step, loss in [(0, 5.0), (1, 4.0), (2, 9.0), (1, 3.0), (2, 2.0)]:
        gathered.add(Step(step=step, loss=loss), None)
    found = gathered.curves()
    assert found.step.tolist() == [0, 1, 2]
    assert found.columns["loss"].tolist() == [5.0, 3.0, 2.0]


def test_tensorboard_finds_the_tab_where_lrwatch_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (target,) = project["project"]["entry-points"]["tensorboard_plugins"].values()
    module, _, name = target.partition(":")
    assert getattr(import_module(module), name).plugin_name == "lrwatch"


def test_every_file_of_the_page_is_shipped() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    plugin = ROOT / "lrwatch" / "plugin"
    patterns = project["tool"]["setuptools"]["package-data"]["lrwatch.plugin"]
    shipped = {path for pattern in patterns for path in plugin.glob(pattern) if path.is_file()}
    assert {path for path in (plugin / "page").rglob("*") if path.is_file()} == shipped


@pytest.mark.parametrize(
    "word",
    [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "http:",
        "https:",
    ],
)
def test_the_page_makes_no_markup_of_text_and_names_no_other_host(word: str) -> None:
    own = (ROOT / "lrwatch" / "plugin" / "page").glob("*.*")
    text = {path.name: path.read_text(encoding="utf-8") for path in own}
    text["dom.js"] = text["dom.js"].replace('"http://www.w3.org/2000/svg"', "")
    assert [name for name, source in text.items() if word in source] == []


def test_lrwatch_and_its_commands_load_nothing_of_the_tab() -> None:
    code = "import sys, lrwatch, lrwatch.cli; print(*(m for m in sys.modules if 'plugin' in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
