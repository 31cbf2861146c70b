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


def test_an_expanded_buffer_does_not_keep_the_rest_from_coming_back() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    optimizer = SGD(model.parameters(), lr=0.1)
    model.register_buffer("mask", torch.ones(4).expand(2, 4))
    snapshots = Snapshots(optimizer, model)
    snapshots.save("here", 0)
    then = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    step(model, optimizer)
    assert not torch.equal(then["0.weight"], model.state_dict()["0.weight"])
    snapshots.mend_buffers()
    snapshots.load("here")
    assert all(torch.equal(then[name], now) for name, now in model.state_dict().items())


def test_a_buffer_that_cannot_be_written_comes_after_weights_and_moments() -> None:
    model = Cached()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    snapshots = Snapshots(optimizer, model)
    weight = model.linear.weight.detach().clone()
    snapshots.save("here", 0)
    step(model, optimizer)
    with torch.inference_mode():
        model.register_buffer("cache", torch.full((4,), torch.nan))
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor"):
        snapshots.load("here")
    assert torch.equal(model.linear.weight, weight)
    assert not optimizer.state


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
