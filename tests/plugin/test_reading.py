"""What is read of a run: in another process, its curves, its story."""

import io
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lrwatch.plugin import study as studying
from lrwatch.plugin.curves import Gathered
from lrwatch.plugin.frames import packed, read_frame
from lrwatch.plugin.mark import mark_of
from lrwatch.plugin.reader import Reader
from lrwatch.plugin.story import Told, story, told_by_ledger
from lrwatch.readers.folders import event_files
from lrwatch.records import Action, Point, Step
from lrwatch.reviewing.drawn import drawn
from lrwatch.sinks.ledger import Ledger
from lrwatch.sinks.run_directory import RunDirectory
from tests.plugin import logs


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


def test_a_reader_that_was_killed_is_started_again(reader: Reader, tmp_path: Path) -> None:
    logs.plain(tmp_path / "a", logs.falling(50))
    reader.start()
    assert reader._process is not None
    reader._process.kill()
    reader._process.wait()
    ((header, _),) = reader.ask("summary", str(tmp_path / "a"))
    assert header["summary"]["n_steps"] == 50


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


def test_a_reader_that_dies_before_it_speaks_is_given_a_second_try(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.plain(tmp_path / "a", logs.falling(50))
    script = tmp_path / "python"
    first = tmp_path / "first"
    script.write_text(f'#!/bin/sh\n[ -e {first} ] && exec {sys.executable} "$@"\ntouch {first}\n')
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    ((header, _),) = reader.ask("summary", str(tmp_path / "a"))
    assert header["summary"]["n_steps"] == 50


def test_a_long_run_is_shown_before_it_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.plain(tmp_path / "a", logs.diverging(600))
    monkeypatch.setattr(studying, "LONG", 0)
    (first, curves), (last, judged) = studying.study(str(tmp_path / "a"))
    assert first["story"] is None
    assert last["story"]["records"]
    for name in ("step", "loss", "lr"):
        np.testing.assert_array_equal(curves[name], judged[name])


def test_a_watched_run_that_was_resumed_is_drawn_once(tmp_path: Path) -> None:
    for start, stop, loss in ((0, 100, 1.0), (50, 80, 2.0)):
        directory = RunDirectory(tmp_path, start_step=start)
        for step in range(start, stop):
            directory.write_point(Point(step=Step(step=step, loss=loss)))
            directory.write_alert(replace(logs.HIGH, step=step, onset=step))
        directory.close()
    found = drawn(event_files(tmp_path / "lrwatch"))
    assert found.step.tolist() == list(range(80))
    assert found.columns["loss"].tolist() == [1.0] * 50 + [2.0] * 30


def test_a_watched_run_has_grown_when_lrwatch_wrote_and_not_before(tmp_path: Path) -> None:
    logs.watched(tmp_path, n_steps=20)
    before = mark_of(str(tmp_path))
    logs.plain(tmp_path, [1.0])
    assert mark_of(str(tmp_path)) == before
    logs.watched(tmp_path, n_steps=20)
    assert mark_of(str(tmp_path)) != before


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
