"""Files and names that were made to do harm."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch

from lrwatch import LrwatchError, attach, read
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
