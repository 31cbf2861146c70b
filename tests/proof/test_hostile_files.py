"""Files and names that were made to do harm."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import click
import pytest
import torch
from click.testing import CliRunner

from lrwatch import LrwatchError, attach, read
from lrwatch.cli import main
from lrwatch.records import Alert
from lrwatch.sinks.ledger import Ledger
from tests.loop.training import small_model, train

BOMB = b"\0" * (10 << 20)


def archive(kind: str, path: Path) -> Path:
    if kind == "gz":
        path.write_bytes(gzip.compress(BOMB))
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("metrics.csv", BOMB)
    if kind == "tar":
        with tarfile.open(path, "w:gz") as file:
            entry = tarfile.TarInfo("../../metrics.csv")
            entry.size = len(BOMB)
            file.addfile(entry, io.BytesIO(BOMB))
    return path


@pytest.mark.parametrize("kind", ["gz", "zip", "tar"])
@pytest.mark.parametrize("name", ["events.out.tfevents.1", "metrics.csv", "log.jsonl", "x.gz"])
def test_an_archive_is_not_opened(kind: str, name: str, tmp_path: Path) -> None:
    path = archive(kind, tmp_path / name)
    try:
        steps = list(read(path))
    except (LrwatchError, OSError, ValueError):
        steps = []
    assert steps == []
    assert list(tmp_path.iterdir()) == [path]


HOSTILE = ["../up", "../../etc/x", "/absolute", "a\0b", "x" * 300, "CON", "..", ".", "\x1b[2J", ""]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_of_an_optimizer_stays_in_the_run_directory(name: str, tmp_path: Path) -> None:
    run = tmp_path / "root" / "run"
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=run, name=name, stderr=False) as watch:
        train(model, optimizer, 3)
        watch.observe(float("nan"))
        train(model, optimizer, 3)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert all(path.resolve().is_relative_to(run) for path in written)


def test_a_hostile_kind_of_an_alert_writes_no_more_than_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile: Any = "\x1b[2J\n::error::<img src=x>|"  # a ledger may hold any word
    alert = Alert(kind=hostile, severity="critical", step=0, onset=0, message="m")
    Ledger(tmp_path / "lrwatch" / "alerts.jsonl").write(alert)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    words = ["check", "--format", "github", "--step-summary", str(tmp_path)]
    shown = CliRunner().invoke(main, words).stdout.splitlines()
    assert [line[:9] for line in shown] == ["::notice ", "::error t"]
    assert all(line.isprintable() for line in shown)
    assert "<img" not in (tmp_path / "summary.md").read_text()


@pytest.mark.parametrize("name", main.list_commands(click.Context(main)))
def test_a_help_holds_no_control_character(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"]).stdout
    assert shown.replace("\n", "").isprintable()
