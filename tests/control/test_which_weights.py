"""Which parameters a snapshot keeps: those that there are, and that are trained."""

import pytest
import torch
from torch import nn
from torch.optim import SGD

import lrwatch
from lrwatch.control.snapshot import Snapshots

torch.set_num_threads(1)


def test_lazy_layers_are_kept_from_when_they_have_a_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRWATCH_STRICT", "1")
    torch.manual_seed(0)
    model = nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.LazyLinear(1))
    never = nn.LazyLinear(3)
    optimizer = SGD([*model.parameters(), *never.parameters()], lr=0.01)
    whole = nn.ModuleList([model, never])
    with lrwatch.attach(optimizer, whole, backoff=True, run_dir=False, stderr=False):
        for _ in range(40):
            optimizer.zero_grad()
            model(torch.randn(16, 4)).square().mean().backward()
            optimizer.step()
    snapshots = Snapshots(optimizer, whole)
    snapshots.save("here", 0)
    then = [t.clone() for t in model.state_dict().values()]
    model(torch.randn(16, 4)).square().mean().backward()
    optimizer.step()
    snapshots.load("here")
    assert all(map(torch.equal, then, model.state_dict().values()))


def test_lazy_layers_take_nothing_yet() -> None:
    model = nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d())
    optimizer = SGD(model.parameters(), lr=0.1)
    snapshots = Snapshots(optimizer, model)
    assert snapshots.slot_bytes == 8  # the count of batches
    model(torch.ones(2, 4))
    assert snapshots.slot_bytes == 8 + (2 * (4 * 8 + 3 * 8) + 2 * 8) * 4
