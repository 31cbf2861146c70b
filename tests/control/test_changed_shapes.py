"""A model whose tensors change their shape, number or kind between a snapshot and its return."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam

import lrwatch
from lrwatch.control.snapshot import Snapshots

torch.set_num_threads(1)


class Cached(nn.Module):
    """Keeps what it has worked out for the longest batch so far, as rotary embeddings do."""

    cache: Tensor

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(4, 1)
        self.grow(4)

    def grow(self, n: int) -> None:
        self.register_buffer("cache", torch.full((n,), float(n)), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(x)
        return y


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    x = torch.randn(8, 4)
    (model(x) - x.sum(1, keepdim=True)).square().mean().backward()
    optimizer.step()


def test_a_cache_that_grows_does_not_end_the_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRWATCH_STRICT", "1")
    model = Cached()
    optimizer = SGD(model.parameters(), lr=0.01)
    with lrwatch.attach(optimizer, model, backoff=True, run_dir=False, stderr=False):
        for i in range(200):
            model.grow(4 + i)
            step(model, optimizer)


def test_what_fits_comes_back_as_a_whole_and_the_rest_stays() -> None:
    model = Cached()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    snapshots = Snapshots(optimizer, model)
    step(model, optimizer)
    moments = optimizer.state[model.linear.weight]
    weight, moment = model.linear.weight.clone(), moments["momentum_buffer"].clone()
    snapshots.save("here", 1)
    step(model, optimizer)
    model.grow(8)
    snapshots.load("here")
    assert torch.equal(model.linear.weight, weight)
    assert torch.equal(moments["momentum_buffer"], moment)
    assert model.cache.tolist() == [8.0] * 8


def test_a_buffer_made_later_does_not_take_the_place_of_another() -> None:
    model = nn.Sequential(Cached(), nn.BatchNorm1d(4))
    optimizer = SGD(model.parameters(), lr=0.1)
    snapshots = Snapshots(optimizer, model)
    snapshots.save("here", 0)
    model[0].register_buffer("late", torch.full((4,), 7.0))
    mean = model[1].get_buffer("running_mean").fill_(5.0)
    snapshots.mend_buffers()
    snapshots.load("here")
    assert mean.tolist() == [0.0] * 4
    assert model[0].get_buffer("late").tolist() == [7.0] * 4


def test_a_weight_of_another_shape_stays_and_goes_on_with_fresh_moments() -> None:
    first, last = nn.Linear(4, 4), nn.Linear(4, 1)
    model = nn.Sequential(first, last)
    optimizer = Adam(model.parameters(), lr=0.1)
    snapshots = Snapshots(optimizer, model)
    step(model, optimizer)
    snapshots.save("here", 1)
    bias = last.bias.clone()
    first.weight.data, first.bias.data = torch.ones(6, 4), torch.ones(6)
    last.weight.data = torch.ones(1, 6)
    for grown in (first.weight, first.bias, last.weight):
        del optimizer.state[grown]
    step(model, optimizer)
    weight = first.weight.clone()
    assert 0 < snapshots.displacement("here") < float("inf")
    snapshots.load("here")
    assert torch.equal(first.weight, weight)
    assert torch.equal(last.bias, bias)
    assert set(optimizer.state) == {last.bias}
    step(model, optimizer)


def test_no_weight_of_the_same_shape_is_an_infinite_distance() -> None:
    weight = nn.Parameter(torch.ones(2))
    optimizer = SGD([weight], lr=0.1)
    snapshots = Snapshots(optimizer)
    snapshots.save("here", 0)
    weight.data = torch.ones(3)
    assert snapshots.displacement("here") == float("inf")


def test_a_model_made_finer_in_mid_run_is_kept_as_fine() -> None:
    weight = nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
    optimizer = SGD([weight], lr=0.1)
    snapshots = Snapshots(optimizer)
    snapshots.save("here", 0)
    weight.data = torch.full((2,), 1 + 2**-20)
    snapshots.save("here", 1)
    weight.data.zero_()
    snapshots.load("here")
    assert weight.tolist() == [1 + 2**-20] * 2
