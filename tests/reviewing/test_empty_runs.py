"""Event files without a number are no run, where nobody named them."""

import json
from pathlib import Path

from click.testing import CliRunner
from torch.utils.tensorboard import SummaryWriter

from lrwatch.cli import main


def scanned(*paths: Path) -> list[str]:
    done = CliRunner().invoke(main, ["scan", "--json", *map(str, paths)])
    return [Path(json.loads(line)["run"]).name for line in done.stdout.splitlines()]


def test_what_add_scalars_and_hyperparameters_leave_is_no_run(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path / "run")) as writer:
        writer.add_hparams({"lr": 0.1}, {}, run_name="hparams")
        for i in range(5):
            writer.add_scalars("loss", {"train": 1.0}, i)
    assert scanned(tmp_path) == ["loss_train"]
    assert scanned(tmp_path / "run" / "hparams") == ["hparams"]


def test_event_files_that_are_broken_are_told_of(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path / "run")) as writer:
        writer.add_scalar("loss", 1.0, 0)
    file = next((tmp_path / "run").iterdir())
    data = bytearray(file.read_bytes())
    data[-6] ^= 1
    file.write_bytes(bytes(data))
    assert scanned(tmp_path) == ["run"]
