"""A scan tells every run, whatever happens to the others."""

import os
import random
from pathlib import Path

import pytest

from lrwatch.reviewing import scan as scanning
from lrwatch.reviewing.scan import runs_below, scan

CSV = "step,loss\n0,1.5\n1,1.25\n"


def folder_of(top: Path, n_runs: int) -> list[str]:
    for i in range(n_runs):
        (top / f"{i:02}.csv").write_text(CSV)
    return runs_below([top])[0]


def test_runs_come_once_though_named_twice(tmp_path: Path) -> None:
    runs = folder_of(tmp_path, 3)
    assert runs_below([tmp_path, tmp_path / "01.csv"])[0] == runs


def test_a_path_with_a_problem_is_told_and_hides_no_other(tmp_path: Path) -> None:
    runs = folder_of(tmp_path, 2)
    found, problems = runs_below([tmp_path / "gone", tmp_path])
    assert found == runs
    assert problems == [f"{tmp_path / 'gone'}: no such file or folder"]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_summaries_come_in_the_order_of_the_runs(tmp_path: Path, n_jobs: int) -> None:
    runs = folder_of(tmp_path, 9)
    found = list(scan(runs, {}, n_jobs=n_jobs))
    assert [summary.run for summary in found] == runs
    assert {summary.n_steps for summary in found} == {2}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_run_that_cannot_be_read_is_told_among_the_others(tmp_path: Path, n_jobs: int) -> None:
    runs = folder_of(tmp_path, 3)
    Path(runs[1]).write_bytes(random.Random(0).randbytes(1000))
    found = list(scan(runs, {}, n_jobs=n_jobs))
    assert [bool(summary.error) for summary in found] == [False, True, False]
    assert found[1].error.startswith("is no log that is known here")


def test_a_process_that_is_killed_costs_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = folder_of(tmp_path, 4)
    monkeypatch.setattr(scanning, "summary_or_error", _killed_by_the_third)
    found = list(scan(runs, {}, n_jobs=2))
    assert [summary.run for summary in found] == runs
    assert ["killed" in summary.error for summary in found] == [False, False, True, False]


def _killed_by_the_third(path: str, asked: dict[str, str | None]) -> object:
    from lrwatch.reviewing.summary import summarise

    if path.endswith("02.csv"):
        os._exit(9)
    return summarise(path, asked)


def test_where_no_process_can_be_started_it_is_done_in_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise OSError(38, "Function not implemented")

    runs = folder_of(tmp_path, 3)
    monkeypatch.setattr(scanning, "_context", refused)
    assert [summary.n_steps for summary in scan(runs, {}, n_jobs=2)] == [2, 2, 2]


def test_small_folders_are_read_without_a_second_process(tmp_path: Path) -> None:
    runs = folder_of(tmp_path, 5)
    assert scanning._worthwhile(runs) == 1
