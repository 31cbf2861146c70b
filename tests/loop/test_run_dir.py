"""Where a watch writes, and that it makes nothing before there is something to write."""

import json
import re
from pathlib import Path

import pytest
import torch

from lrwatch import attach
from lrwatch.loop.attach import _places
from lrwatch.loop.places.run_dir import RunDir, chosen
from tests.loop.training import small_model, train


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LRWATCH_RUN_DIR", raising=False)
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setattr("sys.argv", ["train me.py"])
    return tmp_path


def path_of(run_dir: RunDir, name: str | None, taken: set[Path], now_s: float) -> Path | None:
    place = chosen(run_dir, name, taken, now_s)
    return None if place is None else place.path


def test_by_default_it_is_named_by_time_and_script(here: Path) -> None:
    assert path_of(None, None, set(), 0.0) == here / "runs" / "19700101T000000Z-train_me"


def test_a_default_name_that_exists_is_not_used_again(here: Path) -> None:
    (here / "runs" / "19700101T000000Z-train_me").mkdir(parents=True)
    assert path_of(None, None, set(), 0.0) == here / "runs" / "19700101T000000Z-train_me-2"


def test_of_processes_that_start_in_the_same_second_each_has_its_own(here: Path) -> None:
    ours = chosen(None, None, set(), 0.0)
    assert ours is not None
    assert not (here / "runs").exists()
    ours.path.mkdir(parents=True)  # by the other process
    assert ours.claim().name == "19700101T000000Z-train_me-2"
    assert ours.claim() == ours.path
    assert ours.path.is_dir()


def test_watches_with_names_lie_together_and_with_no_other_process(here: Path) -> None:
    ours = [chosen(None, name, set(), 0.0) for name in ("actor", "critic", "critic")]
    (here / "runs" / "19700101T000000Z-train_me" / "actor").mkdir(parents=True)
    claimed = [place.claim() for place in ours if place is not None]
    assert [path.name for path in claimed] == ["actor", "critic", "critic-2"]
    assert {path.parent.name for path in claimed} == {"19700101T000000Z-train_me-2"}


def test_a_directory_that_was_given_may_be_there(here: Path) -> None:
    ours = chosen("run", None, set(), 0.0)
    assert ours is not None
    ours.path.mkdir()
    assert ours.claim() == here / "run"


def test_a_run_that_never_steps_leaves_no_directory(here: Path) -> None:
    attach(torch.optim.SGD(small_model().parameters(), lr=0.01), stderr=False).close()
    assert not (here / "runs").exists()


def test_the_run_and_its_disarming_are_in_the_directory_that_was_claimed(here: Path) -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, model, backoff=True, stderr=False) as watch:
        (wished,) = (place.path for place in _places.values())
        (wished / "lrwatch").mkdir(parents=True)  # by the other process
        (wished / "lrwatch" / "disarm").touch()
        train(model, optimizer, 3)
        assert watch.backoff.armed
        ours = wished.with_name(f"{wished.name}-2") / "lrwatch"
        assert ours.parent.is_dir()
        ours.mkdir(exist_ok=True)  # else by the thread that writes
        (ours / "disarm").touch()
        train(model, optimizer, 30)
        assert not watch.backoff.armed
    assert (ours / "verdict.json").exists()
    assert [path.name for path in (wished / "lrwatch").iterdir()] == ["disarm"]


def test_the_environment_names_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRWATCH_RUN_DIR", "mine")
    (here / "mine").mkdir()
    assert path_of(None, None, set(), 0.0) == here / "mine"
    assert path_of("other", None, set(), 0.0) == here / "other"


def test_watches_of_one_process_never_share_one(here: Path) -> None:
    taken = {here / "run"}
    assert path_of("run", None, taken, 0.0) == here / "run" / "optimizer-2"
    assert path_of("run", "critic", taken, 0.0) == here / "run" / "critic"


@pytest.mark.parametrize(
    ("name", "folder"),
    [("../../etc", "_.._etc"), ("/abs", "_abs"), ("a\0b\x1b[2J", "a_b_2J"), ("...", "run")],
)
def test_a_name_cannot_lead_out_of_it(here: Path, name: str, folder: str) -> None:
    assert path_of("run", name, set(), 0.0) == here / "run" / folder


def test_other_ranks_write_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    assert path_of("run", None, set(), 0.0) is None
    monkeypatch.setenv("RANK", "0")
    assert path_of("run", None, set(), 0.0) is not None


def test_false_is_nowhere(here: Path) -> None:
    assert path_of(False, None, set(), 0.0) is None


def test_a_loop_writes_its_run(here: Path) -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=here / "run", stderr=False) as watch:
        assert not (here / "run").exists()
        train(model, optimizer, 3)
        for param in model.parameters():
            param.data.fill_(float("nan"))
        train(model, optimizer, 3)
    written = (here / "run" / "lrwatch" / "alerts.jsonl").read_text().splitlines()
    kinds = [record["kind"] for record in map(json.loads, written) if "severity" in record]
    assert kinds == [alert.kind for alert in watch.alerts]
    assert "non_finite" in kinds


def test_alerts_are_one_line_each_on_stderr(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=float("inf"))
    with attach(optimizer, run_dir=False) as watch:
        train(model, optimizer, 5)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(watch.alerts) > 0
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:]{8}Z  (INFO|WARN|CRIT)  ", line) for line in lines)


def test_a_directory_that_cannot_be_made_does_not_end_the_training(
    here: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (here / "file").write_text("in the way")
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=float("inf"))
    with attach(optimizer, run_dir=here / "file" / "run") as watch:
        train(model, optimizer, 40)
    assert watch.n_steps == 40
    assert len(caplog.records) == 1
    assert "non_finite" in capsys.readouterr().err


@pytest.mark.parametrize("stderr", [True, False])
def test_a_directory_that_cannot_be_written_is_told_once_on_the_terminal(
    stderr: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").write_text("a file")
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=tmp_path / "run", stderr=stderr):
        train(model, optimizer, 200)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == stderr
    assert all("cannot be written" in line and "training goes on" in line for line in lines)


def test_a_url_is_no_place_here(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = chosen("s3://bucket/run", None, set(), 0.0)
    assert place is not None
    assert place.path.parent == here / "runs"
    assert "run_dir s3://bucket/run is no place on this machine" in capsys.readouterr().err
