"""Runs are found below any folder, and nothing that lies beside them is followed or opened."""

import os
from pathlib import Path

import pytest

from lrwatch.errors import LrwatchError
from lrwatch.readers.folders import find_runs
from lrwatch.readers.reading import read

CSV = "step,loss\n0,1.5\n1,1.25\n"
STATE = '{"log_history": [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.5}]}'


def tree(top: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)


def found(top: Path) -> list[str]:
    return [str(run.relative_to(top)) for run in find_runs(top)]


def test_every_kind_of_run_is_found_and_other_files_are_not(tmp_path: Path) -> None:
    tree(tmp_path, {
        "a/metrics.csv": CSV,
        "a/iris.csv": "petal,sepal\n1,2\n3,4\n",
        "a/config.json": '{"loss": "mse", "lr": 0.1}',
        "a/README.md": "loss 1\nloss 2\n",
        "a/notes.txt": "buy milk\n",
        "b/train.log": "step 1 loss 2.0\nstep 2 loss 1.5\n",
        "c/events.out.tfevents.1.host": "",
        "c/d/events.out.tfevents.2.host": "",
        "e/log.jsonl": '{"loss": 1}\n{"loss": 2}\n',
        ".git/log.csv": CSV,
        "node_modules/log.csv": CSV,
    })  # fmt: skip
    assert found(tmp_path) == ["a/metrics.csv", "b/train.log", "c", "c/d", "e/log.jsonl"]


def test_a_file_is_a_run_of_its_own(tmp_path: Path) -> None:
    tree(tmp_path, {"any name": CSV})
    assert list(find_runs(tmp_path / "any name")) == [tmp_path / "any name"]


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LrwatchError, match="no such file or folder"):
        list(find_runs(tmp_path / "missing"))


def test_a_run_that_lrwatch_watched_is_one_run(tmp_path: Path) -> None:
    tree(tmp_path, {
        "run/lrwatch/alerts.jsonl": "",
        "run/lrwatch/events.out.tfevents.1": "",
        "run/events.out.tfevents.1": "",
        "lrwatch/x.csv": CSV,
    })  # fmt: skip
    assert found(tmp_path) == ["lrwatch/x.csv", "run"]


def test_of_checkpoints_only_the_last_counts(tmp_path: Path) -> None:
    tree(tmp_path, {f"a/checkpoint-{n}/trainer_state.json": STATE for n in (5, 50, 9)})
    tree(tmp_path, {f"b/checkpoint-{n}/trainer_state.json": STATE for n in (5, 50)})
    tree(tmp_path, {"b/trainer_state.json": STATE})
    assert found(tmp_path) == ["a/checkpoint-50/trainer_state.json", "b/trainer_state.json"]


def test_links_pipes_and_loops_are_left_alone(tmp_path: Path) -> None:
    tree(tmp_path, {"top/a/x.csv": CSV, "outside.csv": CSV})
    top = tmp_path / "top"
    (top / "loop").symlink_to(top)
    (top / "linked.csv").symlink_to(tmp_path / "outside.csv")
    (top / "zero.csv").symlink_to("/dev/zero")
    (top / "gone.csv").symlink_to("nowhere")
    (top / "lrwatch").symlink_to(top / "a")
    os.mkfifo(top / "pipe.csv")
    os.mkfifo(top / "events.out.tfevents.1")
    assert found(top) == ["a/x.csv"]


def test_a_folder_that_cannot_be_listed_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, {"a/x.csv": CSV, "b/x.csv": CSV})
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if path == tmp_path / "a":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert found(tmp_path) == ["b/x.csv"]


def test_the_number_of_files_is_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, {f"{i}.csv": CSV for i in range(5)})
    monkeypatch.setattr("lrwatch.readers.folders.MAX_FILES", 3)
    runs = find_runs(tmp_path)
    assert [next(runs).name for _ in range(3)] == ["0.csv", "1.csv", "2.csv"]
    with pytest.raises(LrwatchError, match="over 3 files; name the folders one by one"):
        next(runs)


def test_hostile_names_are_only_names(tmp_path: Path) -> None:
    names = ["\x1b]0;x\x07.csv", "a\nb.csv", "[bold].csv", "%n.csv", "-rf.csv", "\udcff.csv"]
    tree(tmp_path, dict.fromkeys(names, CSV))
    assert sorted(found(tmp_path)) == sorted(names)
    assert all(len(list(read(run))) == 2 for run in find_runs(tmp_path))
