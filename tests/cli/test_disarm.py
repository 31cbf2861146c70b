from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import lrwatch
from lrwatch.cli import main


def disarm(run: Path) -> tuple[int, str]:
    found = CliRunner().invoke(main, ["disarm", str(run)])
    return found.exit_code, found.output


def test_a_folder_without_a_run_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    code, said = disarm(tmp_path)
    assert code == 3
    assert str(tmp_path) in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("inner", ["", "lrwatch"])
def test_the_next_step_of_a_run_lets_go_of_the_backoff(tmp_path: Path, inner: str) -> None:
    (tmp_path / "lrwatch").mkdir()  # a run makes it within its first second
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    with lrwatch.attach(optimizer, run_dir=tmp_path, backoff=True, stderr=False):
        for step in range(4):
            if step == 2:
                name = tmp_path / inner
                assert disarm(name) == (0, f"{name}: back-off ends at the next step\n")
            optimizer.zero_grad()
            parameter.square().sum().backward()
            optimizer.step()
    assert "closed at step 3; if it goes on" in disarm(tmp_path)[1]
    ledger = (tmp_path / "lrwatch" / "alerts.jsonl").read_text()
    (line,) = [line for line in ledger.splitlines() if '"disarm"' in line]
    assert '"step":2' in line.replace(" ", "")
