"""Which parameters a snapshot keeps: those that there are, and that are trained."""

import logging

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, Optimizer

import lrwatch
from lrwatch.control.keeping import Keeping
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


def adapter() -> tuple[nn.Linear, nn.Linear, Optimizer]:
    """A frozen backbone and what is trained beside it, both given to the optimizer."""
    torch.manual_seed(0)
    backbone, trained = nn.Linear(100, 100).requires_grad_(False), nn.Linear(100, 2, bias=False)
    return backbone, trained, Adam([*backbone.parameters(), *trained.parameters()], lr=0.1)


def step(backbone: nn.Linear, trained: nn.Linear, optimizer: Optimizer) -> None:
    optimizer.zero_grad()
    trained(backbone(torch.randn(8, 100))).square().mean().backward()
    optimizer.step()


def test_frozen_weights_take_no_memory_and_are_no_part_of_a_distance() -> None:
    _, trained, optimizer = adapter()
    snapshots = Snapshots(optimizer)
    assert snapshots.slot_bytes == 3 * 200 * 4
    snapshots.save("start", 0)
    assert snapshots.n_bytes == 200 * 4
    with torch.no_grad():
        trained.weight.mul_(2)
    assert snapshots.displacement("start") == pytest.approx(1.0)
    assert Snapshots(optimizer, frozen=True).slot_bytes > 3 * 100 * 100 * 4


def test_unfreezing_and_freezing_moves_no_copy_to_another() -> None:
    backbone, trained, optimizer = adapter()
    snapshots = Snapshots(optimizer)
    step(backbone, trained, optimizer)
    snapshots.save("frozen", 1)
    first = trained.weight.detach().clone()
    backbone.requires_grad_(True)
    step(backbone, trained, optimizer)
    snapshots.save("unfrozen", 2)
    second = backbone.weight.detach().clone()
    step(backbone, trained, optimizer)
    backbone.requires_grad_(False)
    snapshots.load("unfrozen")
    assert torch.equal(backbone.weight, second)
    snapshots.load("frozen")
    assert torch.equal(trained.weight, first)
    assert torch.equal(backbone.weight, second)


def test_frozen_later_is_kept_on_as_long_as_it_has_moments() -> None:
    backbone, trained, optimizer = adapter()
    step(backbone, trained, optimizer)
    trained.requires_grad_(False)
    optimizer.zero_grad()
    snapshots = Snapshots(optimizer)
    snapshots.save("here", 1)
    assert snapshots.n_bytes == (3 * 200 + 1) * 4


def test_a_gradient_put_in_by_hand_is_enough() -> None:
    weight = torch.ones(3)
    optimizer = SGD([weight], lr=1.0)
    weight.grad = torch.ones(3)
    snapshots = Snapshots(optimizer)
    snapshots.save("here", 0)
    optimizer.step()
    snapshots.load("here")
    assert weight.tolist() == [1.0] * 3


def test_weights_that_were_not_known_of_are_said_once_to_pass_the_cap(
    caplog: pytest.LogCaptureFixture,
) -> None:
    backbone, _, optimizer = adapter()
    keeping = Keeping(
        Snapshots(optimizer), None, n_slots=2, backoff=lrwatch.Backoff(memory_cap=20_000)
    )
    with caplog.at_level(logging.WARNING, logger="lrwatch"):
        keeping.save("start", 0)
        assert not caplog.messages
        backbone.requires_grad_(True)
        for i in range(5):
            keeping.save("good0", i)
    (said,) = caplog.messages
    assert "the snapshots take 3.91e-05 GiB by now, and memory_cap is 1.86e-05 GiB" in said
