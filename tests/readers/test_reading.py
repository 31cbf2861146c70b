"""A path in, Steps out: event files joined by step, folders of one run, errors that help."""

import gzip
import math
import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from torch.utils.tensorboard import SummaryWriter

from lrwatch.errors import LrwatchError
from lrwatch.readers.reading import read
from lrwatch.records import Point, Step
from lrwatch.sinks.run_directory import RunDirectory

Points = Sequence[tuple[str, int | None, float]]


def written(folder: Path, points: Points, suffix: str = "") -> Path:
    writer = SummaryWriter(str(folder), filename_suffix=suffix)
    for tag, step, value in points:
        writer.add_scalar(tag, value, step)
    writer.close()
    return folder


def shown(path: Path, **columns: str) -> list[tuple[int, float | None, float | None, float | None]]:
    return [(s.step, s.loss, s.grad_norm, s.lr) for s in read(path, **columns)]


def test_tags_are_joined_by_step_whatever_their_order(tmp_path: Path) -> None:
    tags = ("loss", "grad_norm", "lr")
    by_step = [(tag, step, step + 0.5) for step in range(40) for tag in tags]
    by_tag = [(tag, step, step + 0.5) for tag in reversed(tags) for step in range(40)]
    wanted = [(step, step + 0.5, step + 0.5, step + 0.5) for step in range(40)]
    assert shown(written(tmp_path / "by step", by_step)) == wanted
    assert shown(written(tmp_path / "by tag", by_tag)) == wanted


def test_time_is_the_time_of_writing(tmp_path: Path) -> None:
    (step,) = read(written(tmp_path, [("loss", 1, 0.5)]))
    assert step.time is not None
    assert step.time == pytest.approx(os.stat(tmp_path).st_mtime, abs=60)


def test_what_is_written_at_fewer_steps_is_missing_at_the_others(tmp_path: Path) -> None:
    points = [("loss", step, 1.0) for step in range(4)]
    points += [("grad_norm", 2, 3.0), ("grad_norm", 7, 4.0), ("lr", 1, 0.5), ("lr", 5, 0.25)]
    assert shown(written(tmp_path, points)) == [
        (0, 1.0, None, None),
        (1, 1.0, None, 0.5),
        (2, 1.0, 3.0, None),
        (3, 1.0, None, None),
        (7, None, 4.0, 0.25),
    ]


def test_a_rate_of_its_own_is_not_replaced_by_an_earlier_one(tmp_path: Path) -> None:
    points = [("loss", 1, 1.0), ("loss", 7, 1.0), ("lr", 5, 0.5), ("lr", 7, 0.25)]
    assert shown(written(tmp_path, points)) == [(1, 1.0, None, None), (7, 1.0, None, 0.25)]


def test_a_resumed_run_goes_back_and_loses_nothing(tmp_path: Path) -> None:
    for first, last in ((0, 50), (30, 60), (10, 20)):
        points = [(tag, i, float(first)) for i in range(first, last) for tag in ("lr", "loss")]
        written(tmp_path, points, suffix=f".{len(os.listdir(tmp_path))}")
    steps = [*range(50), *range(30, 60), *range(10, 20)]
    firsts = [0.0] * 50 + [30.0] * 30 + [10.0] * 10
    assert shown(tmp_path) == [(s, x, None, x) for s, x in zip(steps, firsts, strict=True)]


def test_a_step_that_comes_twice_is_two_steps(tmp_path: Path) -> None:
    points = [("loss", 1, 0.5), ("loss", 1, 0.25), ("lr", 1, 2.0), ("loss", 2, 0.125)]
    assert shown(written(tmp_path, points)) == [
        (1, 0.5, None, 2.0),
        (1, 0.25, None, None),
        (2, 0.125, None, None),
    ]


def test_losses_without_a_step_are_counted(tmp_path: Path) -> None:
    points = [(tag, None, float(i)) for i in range(5) for tag in ("loss", "lr")]
    assert shown(written(tmp_path, points)) == [(i, i, None, i) for i in range(5)]


def test_losses_that_are_added_up_need_all_their_parts(tmp_path: Path) -> None:
    points = [("train/box_loss", step, 1.0) for step in range(3)]
    points += [("train/cls_loss", step, 0.5) for step in (0, 2)]
    assert shown(written(tmp_path, points)) == [
        (0, 1.5, None, None),
        (1, None, None, None),
        (2, 1.5, None, None),
    ]


def test_a_long_run_is_joined_piece_by_piece_with_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = ("lr", "loss", "other", "grad_norm")
    written(tmp_path, [(tag, step, step / 7) for step in range(500) for tag in tags])
    whole = list(read(tmp_path))
    monkeypatch.setattr("lrwatch.readers.events.framing.CHUNK", 1000)
    monkeypatch.setattr("lrwatch.readers.events.event_steps.WINDOW", 100)
    monkeypatch.setattr("lrwatch.readers.events.event_steps.HEAD_SCALARS", 50)
    assert list(read(tmp_path)) == whole
    assert [step.step for step in whole] == list(range(500))


def test_nan_and_infinity_come_through(tmp_path: Path) -> None:
    values = [1.0, math.nan, math.inf, -math.inf]
    written(tmp_path, [("loss", i, x) for i, x in enumerate(values)])
    assert repr([step.loss for step in read(tmp_path)]) == repr(values)


def test_damage_in_an_event_file_is_told(tmp_path: Path) -> None:
    (path,) = written(tmp_path, [("loss", i, 1.0) for i in range(20)]).iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    reading = read(tmp_path)
    assert len(list(reading)) == 19
    assert (reading.n_damaged, reading.damage) == (1, "records that fail their checksum")


def test_too_many_tags_are_an_error_that_names_the_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.readers.events.events.MAX_TAGS", 5)
    written(tmp_path, [(f"tag {i}", 1, 1.0) for i in range(6)])
    with pytest.raises(LrwatchError, match=r"tfevents.*: expected at most 5 tags in a run"):
        read(tmp_path)


def test_columns_can_be_said(tmp_path: Path) -> None:
    written(tmp_path, [(tag, 1, x) for tag, x in (("a", 1.0), ("b", 2.0), ("c", 4.0))])
    assert shown(tmp_path, loss="a+b", lr="c") == [(1, 3.0, None, 4.0)]
    with pytest.raises(LrwatchError, match=r"no column is named 'x'. Columns: 'a', 'b', 'c'"):
        read(tmp_path, loss="x")


def test_a_run_that_lrwatch_watched_is_read_from_its_own_folder(tmp_path: Path) -> None:
    written(tmp_path, [("train/loss", 1, 9.0)])
    written(tmp_path / "lrwatch", [("lrwatch/loss", 1, 0.5), ("lrwatch/lr", 1, 0.25)])
    assert read(tmp_path).format == "lrwatch"
    assert shown(tmp_path) == [(1, 0.5, None, 0.25)]


def test_what_lrwatch_wrote_is_read_back(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    for i in range(50):
        step = Step(step=i, loss=1.5, grad_norm=0.5, lr=0.25)
        directory.write_point(Point(step=step, lo=1.0, hi=2.0, lr_scale=1.0))
    directory.close()
    found = list(read(tmp_path))
    assert {(s.loss, s.grad_norm, s.lr) for s in found} == {(1.5, 0.5, 0.25)}
    assert found[-1].step == 49


def test_a_run_of_which_only_the_ledger_is_left_has_no_steps(tmp_path: Path) -> None:
    (tmp_path / "lrwatch").mkdir()
    (tmp_path / "lrwatch/alerts.jsonl").touch()
    assert list(read(tmp_path)) == []


def test_an_event_file_with_a_broken_beginning_is_read_by_its_name(tmp_path: Path) -> None:
    (path,) = written(tmp_path, [("loss", i, 1.0) for i in range(5)]).iterdir()
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])
    assert [step.step for step in read(path)] == [0, 1, 2, 3, 4]


def test_a_folder_with_one_log_is_that_log(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("step,loss\n0,1.5\n1,1.25\n")
    (tmp_path / "config.json").write_text('{"loss": "mse"}')
    assert list(read(tmp_path)) == [Step(step=0, loss=1.5), Step(step=1, loss=1.25)]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "holds no event file and no log of a run"),
        ({"a.csv": "step,loss\n0,1\n1,1\n", "b.csv": "step,loss\n0,1\n1,1\n"},
         "holds 2 logs, name one of them: a.csv, b.csv"),
        ({"deep/a.csv": "step,loss\n0,1\n1,1\n"}, "there are runs below it: .*a.csv"),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_run_says_what_it_holds(
    tmp_path: Path, files: dict[str, str], words: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(LrwatchError, match=words):
        read(tmp_path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (bytes(5000), "is empty"),
        (
            random.Random(0).randbytes(5000),
            "is no log that is known here; expected tensorboard, lr",
        ),
        (gzip.compress(b"step,loss\n1,2\n"), "is a gzip archive; expected a log .* unpack it"),
        (b"PK\x03\x04" + bytes(100), "is a zip archive"),
        (b'{"log_history": []}', "looks like trainer_state.json .* has no numbers"),
        (b"step,loss\n", "has no numbers"),
        (b"step,val_loss\n1,2\n", "no column is a training loss; say which with --loss"),
        (b"a sentence about the loss of some people\n", "is no log that is known here"),
    ],
)
def test_an_error_names_the_path_what_was_expected_and_what_to_do(
    tmp_path: Path, data: bytes, words: str
) -> None:
    path = tmp_path / "log"
    path.write_bytes(data)
    with pytest.raises(LrwatchError, match=words) as caught:
        list(read(path))
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("name", ["missing", "nul\0byte", "x" * 300])
def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(LrwatchError, match="cannot be opened"):
        read(tmp_path / name)


def test_what_is_no_path_is_named_and_an_empty_one_is_not_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log.csv").write_text("step,loss\n1,2\n")
    monkeypatch.chdir(tmp_path)
    for given, words in ((None, "got NoneType"), ([1.0, 2.0], "got list")):
        with pytest.raises(TypeError, match=f"path must be a path or a URL, {words}"):
            read(given)  # type: ignore[arg-type]
    with pytest.raises(LrwatchError, match="the path is empty"):
        read("")


def test_a_pipe_or_a_device_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(LrwatchError, match="expected a regular file"):
            read(path)


def test_a_line_without_end_is_passed_over_in_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "log.csv"
    with path.open("wb") as file:
        file.write(b"step,loss\n1,2\n")
        for _ in range(64):
            file.write(b"x" * (1 << 20))
        file.write(b"\n3,4\n")
    tracemalloc.start()
    reading = read(path)
    assert [step.step for step in reading] == [1, 3]
    assert tracemalloc.get_traced_memory()[1] < 40 << 20
    tracemalloc.stop()
    assert reading.damage == "line 3: expected at most 1,048,576 characters"
