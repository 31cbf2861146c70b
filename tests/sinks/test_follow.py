import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrwatch.sinks.follow import Follower, LineSplitter
from lrwatch.sinks.history import ledger_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alerts.jsonl"


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_lines_do_not_depend_on_where_the_stream_is_cut(data: bytes, cuts: list[int]) -> None:
    splitter, edges = LineSplitter(), [0, *sorted(cuts), len(data)]
    parts = [data[a:b] for a, b in pairwise(edges)]
    lines = [line for part in parts for line in splitter.feed(part)]
    assert [*lines, *splitter.finish()] == [
        *data.split(b"\n")[:-1],
        *filter(None, data.split(b"\n")[-1:]),
    ]


def test_a_line_without_end_takes_no_memory_and_hides_no_later_one() -> None:
    splitter = LineSplitter()
    lines = [line for _ in range(100) for line in splitter.feed(b"x" * 10_000)]
    lines += splitter.feed(b"\nnext\n")
    assert [len(line) for line in lines] == [65536, 4]


def test_a_torn_line_waits_for_its_end(path: Path) -> None:
    append(path, b"one\ntw")
    follower = Follower(path)
    assert list(follower.poll()) == [b"one"]
    append(path, b"o\n")
    assert list(follower.poll()) == [b"two"]
    assert list(follower.poll()) == []
    follower.close()


def test_a_file_that_was_cut_short_is_read_from_its_start(path: Path) -> None:
    append(path, b"one\ntwo\n")
    follower = Follower(path)
    list(follower.poll())
    path.write_bytes(b"new\n")
    assert list(follower.poll()) == [b"new"]
    assert "cut short" in follower.notice
    follower.close()


def test_a_replaced_file_is_read_to_its_end_and_then_the_new_one(path: Path) -> None:
    append(path, b"one\n")
    follower = Follower(path, by_name=True)
    list(follower.poll())
    append(path, b"two\n")
    path.rename(path.with_suffix(".old"))
    append(path, b"three\n")
    assert list(follower.poll()) == [b"two", b"three"]
    assert "replaced" in follower.notice
    follower.close()


def test_without_following_the_name_a_new_file_is_not_read(path: Path) -> None:
    append(path, b"one\n")
    follower = Follower(path)
    list(follower.poll())
    path.rename(path.with_suffix(".old"))
    append(path, b"three\n")
    assert list(follower.poll()) == []
    follower.close()


def test_a_file_that_is_not_there_yet_is_waited_for_by_name(path: Path) -> None:
    follower = Follower(path, by_name=True)
    assert list(follower.poll()) == []
    append(path, b"one\n")
    assert list(follower.poll()) == [b"one"]
    path.unlink()
    assert list(follower.poll()) == []
    append(path, b"two\n")
    assert list(follower.poll()) == [b"two"]
    follower.close()
    with pytest.raises(FileNotFoundError):
        list(Follower(path.with_suffix(".none")).poll())


def test_a_pipe_is_refused_and_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        list(Follower(path, by_name=True).poll())


def test_a_run_is_named_by_its_directory_its_folder_or_its_file(tmp_path: Path) -> None:
    expected = tmp_path / "run" / "lrwatch" / "alerts.jsonl"
    names = [tmp_path / "run", expected.parent, expected]
    assert ledger_path(names[0]) == ledger_path(names[2]) == expected
    expected.parent.mkdir(parents=True)
    assert [ledger_path(name) for name in names] == [expected] * 3
    expected.touch()
    assert [ledger_path(name) for name in names] == [expected] * 3


def test_a_run_may_itself_be_called_lrwatch(tmp_path: Path) -> None:
    expected = tmp_path / "lrwatch" / "lrwatch" / "alerts.jsonl"
    expected.parent.mkdir(parents=True)
    expected.touch()
    assert ledger_path(tmp_path / "lrwatch") == expected
