"""With torch.distributed the norm is taken at the same steps on every rank, so that none hangs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor

from lrwatch import attach
from lrwatch.loop.grad_norm import Cadence, grad_norm
from tests.loop.training import Told, loss_of, small_model


@pytest.fixture
def one_rank(tmp_path: Path) -> Iterator[None]:
    where = (tmp_path / "ranks").as_uri()
    distributed.init_process_group("gloo", init_method=where, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def sharded() -> nn.Parameter:
    mesh = init_device_mesh("cpu", (1,))
    param = nn.Parameter(distribute_tensor(torch.zeros(4), mesh, [Shard(0)]))
    param.grad = distribute_tensor(torch.tensor([3.0, 0.0, 4.0, 0.0]), mesh, [Shard(0)])
    return param


def due_steps(cadence: Cadence, step_s: float, cost_s: float) -> list[int]:
    """Steps at which a rank takes the norm whose step and whose norm take that long."""
    steps, now_s = [], 1000.0
    for step in range(50):
        now_s += step_s
        if cadence.due(step, now_s):
            cadence.took(step, now_s, now_s + cost_s)
            steps.append(step)
    return steps


@pytest.mark.usefixtures("one_rank")
def test_fast_and_slow_ranks_take_it_at_the_same_steps() -> None:
    fast, slow = due_steps(Cadence(), 1e-3, 1e-4), due_steps(Cadence(), 1.0, 1e-3)
    assert fast == slow == [0, 10, 20, 30, 40]


def test_without_other_ranks_time_decides() -> None:
    assert due_steps(Cadence(), 1.0, 1e-3) == list(range(50))


@pytest.mark.usefixtures("one_rank")
def test_a_distance_that_was_asked_for_stays() -> None:
    assert due_steps(Cadence(25), 1.0, 1e-3) == [0, 25]


@pytest.mark.usefixtures("one_rank")
def test_a_watched_optimizer_has_its_norm_every_tenth_step() -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(25):
            loss_of(model, i).backward()
            optimizer.step()
    assert [step.step for step in told.steps if step.grad_norm is not None] == [0, 10, 20]


@pytest.mark.usefixtures("one_rank")
def test_shards_are_reduced_only_where_every_rank_takes_part() -> None:
    params = [nn.Parameter(torch.zeros(1)), sharded()]
    params[0].grad = torch.tensor([12.0])
    norm = grad_norm(params)
    assert norm is not None
    assert norm.item() == pytest.approx(13.0)
    assert grad_norm(params, together=False) is None
    assert grad_norm(params[:1], together=False) is not None
