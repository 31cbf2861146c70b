"""What cannot be done is said in one line, with its code, before anything is read or trained."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lrwatch.cli import main


def lrwatch(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n" + "".join(f"{i},1\n" for i in range(9)))
    return path


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("no numbers here\n")
    return path


@pytest.mark.parametrize("command", ["check", "scan", "tail", "tags", "live"])
def test_whether_a_run_can_be_read_is_found_out_by_reading(
    command: str, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *args, **kwargs: False)
    assert lrwatch(command, *(["--once"] if command == "live" else []), log).exit_code == 0


def test_a_report_that_has_no_place_is_not_made(log: Path, tmp_path: Path) -> None:
    done = lrwatch("report", log, "-o", tmp_path / "none" / "report.html")
    assert done.exit_code == 2
    assert done.stderr.endswith(f"Error: {tmp_path}/none/report.html: there is no such folder\n")


def test_a_report_that_cannot_be_written_is_no_run_that_is_missing(log: Path) -> None:
    done = lrwatch("report", log, "-o", "/proc/report.html")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: /proc/report.html: cannot be written: ")


@pytest.mark.parametrize("name", ["curve.xyz", "none/curve.png"])
def test_a_picture_that_cannot_be_is_refused_before_the_script_runs(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "train.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    done = lrwatch("find", "--png", tmp_path / name, tmp_path / "train.py")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {tmp_path / name}: ")
    assert not (tmp_path / "ran").exists()


def test_a_demo_that_could_not_be_kept_is_not_shown(log: Path) -> None:
    done = lrwatch("demo", "--run-dir", log)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"Error: {log} cannot be made: File exists\n")


def test_live_fails_where_it_can_read_nothing(log: Path, words: Path) -> None:
    assert lrwatch("live", "--once", words).exit_code == 3
    assert lrwatch("live", "--once", words, log).exit_code == 0


def test_tail_says_of_a_log_without_steps_that_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n")
    assert lrwatch("tail", path).stderr == f"lrwatch tail: {path}: no steps yet\n"
    path.write_text("")
    words = f"lrwatch tail: {path}: is empty; expected a log of a run\n"
    assert lrwatch("tail", path).stderr == words


def test_tail_says_how_to_wait_for_what_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    assert lrwatch("tail", path).stderr == f"Error: no run at {path}; -F waits for one\n"


@pytest.mark.parametrize(
    "words", ["check", "disarm", "live --once", "report -o x.md", "scan", "tags", "tail"]
)
def test_an_empty_path_is_not_the_current_folder(words: str) -> None:
    result = CliRunner().invoke(main, [*words.split(), ""])
    assert result.exit_code == 2
    assert "the path is empty" in result.stderr


@pytest.mark.parametrize(
    "words", ["disarm", "live --once", "tail -F", "run --run-dir", "report log.csv -o"]
)
def test_a_url_is_no_place_on_this_machine(words: str) -> None:
    result = CliRunner().invoke(main, [*words.split(), "s3://bucket/run.html"])
    assert result.exit_code == 2
    assert "s3://bucket/run.html is a URL; only scan, check, report and tags" in result.stderr
