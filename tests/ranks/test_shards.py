"""Snapshots of weights that are spread over ranks hold what lies here, without a collective."""

from collections.abc import Iterator

import pytest
import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Shard
from torch.testing._internal.distributed.fake_pg import FakeStore

from lrwatch.control.snapshot import Snapshots
from lrwatch.ranks.shards import is_spread, local, weight


@pytest.fixture
def two_ranks() -> Iterator[None]:
    """The first of two ranks; the other is pretended."""
    distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    yield
    distributed.destroy_process_group()


def spread(values: torch.Tensor) -> torch.Tensor:
    return DTensor.from_local(values, init_device_mesh("cpu", (2,)), [Shard(0)], run_check=False)


def adam() -> tuple[nn.Parameter, nn.Parameter, torch.optim.Optimizer]:
    """A weight of which half lies here, a plain one beside it, and their optimizer."""
    sharded, plain = nn.Parameter(spread(torch.ones(3))), nn.Parameter(torch.ones(2))
    return sharded, plain, torch.optim.Adam([sharded, plain], lr=0.1, foreach=False)


def step(optimizer: torch.optim.Optimizer) -> None:
    for param in optimizer.param_groups[0]["params"]:
        param.grad = torch.full_like(param, 0.5)
    optimizer.step()


def state(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    params = optimizer.param_groups[0]["params"]
    moments = [optimizer.state[p][name] for p in params for name in ("exp_avg", "exp_avg_sq")]
    return [local(tensor.detach()).clone() for tensor in (*params, *moments)]


@pytest.mark.usefixtures("two_ranks")
def test_weights_and_moments_come_back_also_after_they_were_forgotten() -> None:
    sharded, _, optimizer = adam()
    snapshots = Snapshots(optimizer)
    snapshots.save("start", 0)
    step(optimizer)
    step(optimizer)
    snapshots.save("later", 2)
    before = state(optimizer)
    assert snapshots.load("start") == 0
    assert not optimizer.state
    assert local(sharded.detach()).tolist() == [1.0, 1.0, 1.0]
    assert snapshots.load("later") == 2
    assert all(torch.equal(a, b) for a, b in zip(before, state(optimizer), strict=True))
    assert is_spread(optimizer.state[sharded]["exp_avg"])
    step(optimizer)


@pytest.mark.usefixtures("two_ranks")
def test_a_snapshot_takes_the_memory_of_what_lies_here() -> None:
    _, _, optimizer = adam()
    snapshots = Snapshots(optimizer)
    step(optimizer)
    assert snapshots.slot_bytes == 3 * (3 + 2) * 4 + 2 * 4
    snapshots.save("now", 1)
    assert snapshots.n_bytes == snapshots.slot_bytes


@pytest.mark.usefixtures("two_ranks")
def test_a_distance_is_told_in_shares() -> None:
    sharded, plain, optimizer = adam()
    snapshots = Snapshots(optimizer)
    snapshots.save("start", 0)
    with torch.no_grad():
        sharded.add_(1.0)
        plain.add_(3.0)
    moved, size, is_share = snapshots.norms("start")
    assert is_share
    assert moved**2 == pytest.approx(3 * 1.0 + 2 * 9.0 / 2)
    assert size**2 == pytest.approx(3 + 2 / 2)


def test_a_plain_tensor_is_here_as_it_is() -> None:
    tensor = torch.ones(3)
    assert local(tensor) is tensor
    assert not is_spread(tensor)
    assert weight(tensor, 4) == 0.5
