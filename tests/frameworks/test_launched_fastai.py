"""``lrwatch run`` does not see the optimizers of fastai, and says so where nothing else watches."""

from pathlib import Path

import pytest

from tests.launch.started import watched

SCRIPT = """
import torch
from fastai.basics import DataLoader, DataLoaders, Learner
if {is_watched}:
    from lrwatch.hooks.fastai import LrwatchCallback
    callbacks = [LrwatchCallback(run_dir=False)]
else:
    callbacks = []
rows = [(torch.ones(8), torch.ones(1))] * 32
loaders = DataLoaders(DataLoader(rows, bs=16), DataLoader(rows, bs=16))
loss = torch.nn.functional.mse_loss
learn = Learner(loaders, torch.nn.Linear(8, 1), loss, cbs=callbacks)
for _ in range(2):
    learn.fit(1)
"""


@pytest.mark.parametrize("is_watched", [False, True])
def test_a_fit_by_an_optimizer_of_its_own_is_told_once(tmp_path: Path, is_watched: bool) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.format(is_watched=is_watched))
    ended = watched("--run-dir", "run", "script.py", cwd=tmp_path)
    assert ended.code == 0, ended.stderr
    assert ended.stderr.count("lrwatch.hooks.fastai") == (not is_watched)
    assert not (tmp_path / "run").exists()
