"""In a job of several ranks the norm is taken at the same steps on each, without a collective."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import distributed, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor, Partial, Placement, Replicate, Shard
from torch.testing._internal.distributed.fake_pg import FakeStore

from lrwatch import attach
from lrwatch.loop.gradient.grad_norm import Cadence, grad_norm, share_of
from lrwatch.records import Alert
from tests.loop.training import Told, loss_of, small_model


@pytest.fixture
def four_ranks() -> Iterator[None]:
    """The first of four ranks; the others are pretended, and no collective does anything."""
    distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=4)
    yield
    distributed.destroy_process_group()


def with_grad(gradient: torch.Tensor) -> nn.Parameter:
    param = nn.Parameter(torch.zeros_like(gradient))
    param.grad = gradient
    return param


def spread(values: list[float], mesh: DeviceMesh, *placements: Placement) -> nn.Parameter:
    """A parameter with a gradient of which these values lie here."""
    return with_grad(DTensor.from_local(torch.tensor(values), mesh, placements, run_check=False))


def due_steps(cadence: Cadence, step_s: float, cost_s: float) -> list[int]:
    """Steps at which a rank takes the norm whose step and whose norm take that long."""
    steps, now_s = [], 1000.0
    for step in range(50):
        now_s += step_s
        if cadence.due(step, now_s):
            cadence.took(step, now_s, now_s + cost_s)
            steps.append(step)
    return steps


@pytest.mark.usefixtures("four_ranks")
def test_fast_and_slow_ranks_take_it_at_the_same_steps() -> None:
    fast = due_steps(Cadence(n_young=15), 1e-3, 1e-4)
    slow = due_steps(Cadence(n_young=15), 1.0, 1e-3)
    assert fast == slow == [*range(15), 20, 30, 40]


def test_without_other_ranks_time_decides() -> None:
    assert due_steps(Cadence(), 1.0, 1e-3) == list(range(50))


@pytest.mark.usefixtures("four_ranks")
def test_a_distance_that_was_asked_for_stays() -> None:
    assert due_steps(Cadence(25), 1.0, 1e-3) == [0, 25]


@pytest.mark.usefixtures("four_ranks")
def test_a_watched_optimizer_has_its_norm_every_tenth_step_once_it_is_old() -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(285):
            loss_of(model, i).backward()
            optimizer.step()
    known = [step.step for step in told.steps if step.grad_norm is not None]
    assert known == [*range(256), 260, 270, 280]


@pytest.mark.usefixtures("four_ranks")
@pytest.mark.parametrize(
    ("placements", "share"),
    [((Shard(0), Shard(0)), 1.0), ((Replicate(), Shard(0)), 2**-0.5), ((Replicate(),) * 2, 0.5)],
)
def test_the_squares_of_all_ranks_shares_sum_up_to_the_norm(
    placements: tuple[Placement, ...], share: float
) -> None:
    mesh = init_device_mesh("cpu", (2, 2))
    norm = grad_norm([spread([3.0, 4.0], mesh, *placements)])
    assert norm is not None
    assert norm.is_share
    assert float(norm.value) == pytest.approx(5.0 * share)


@pytest.mark.usefixtures("four_ranks")
def test_plain_gradients_beside_shards_are_copies_that_count_once() -> None:
    mesh = init_device_mesh("cpu", (4,))
    norm = grad_norm([with_grad(torch.tensor([24.0])), spread([3.0, 4.0], mesh, Shard(0))])
    assert norm is not None
    assert float(norm.value) == pytest.approx((12.0**2 + 5.0**2) ** 0.5)


@pytest.mark.usefixtures("four_ranks")
def test_ranks_outside_of_the_mesh_hold_copies() -> None:
    mesh = DeviceMesh("cpu", [0, 1])
    norm = grad_norm([spread([3.0, 4.0], mesh, Shard(0))])
    assert norm is not None
    assert float(norm.value) == pytest.approx(5.0 * 2**-0.5)


@pytest.mark.usefixtures("four_ranks")
def test_what_does_not_lie_here_is_not_known() -> None:
    mesh = init_device_mesh("cpu", (4,))
    param = spread([3.0, 4.0], mesh, Partial())
    assert grad_norm([param]) is None
    assert param.grad is not None
    assert share_of(param.grad) is None


@pytest.mark.usefixtures("four_ranks")
def test_without_a_common_store_a_share_is_no_norm() -> None:
    mesh, told = init_device_mesh("cpu", (4,)), Told()
    weight = nn.Parameter(DTensor.from_local(torch.ones(2), mesh, [Shard(0)], run_check=False))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    with attach(optimizer, run_dir=False, sinks=[told]) as watch:
        weight.grad = torch.ones_like(weight)
        watch.observe(1.0)
        optimizer.step()
    assert (told.losses, told.norms) == ([1.0], [None])


def test_a_tensor_that_one_rank_has_alone_is_no_share() -> None:
    distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=1)
    mesh = init_device_mesh("cpu", (1,))
    norm = grad_norm([spread([3.0, 4.0], mesh, Shard(0)), with_grad(torch.tensor([12.0]))])
    distributed.destroy_process_group()
    assert norm is not None
    assert not norm.is_share
    assert float(norm.value) == pytest.approx(13.0)


def test_a_rank_that_joins_its_job_after_attach_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RANK", raising=False)
    model, told, heard = small_model(), Told(), list[Alert]()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=tmp_path, sinks=[told], on_alert=heard.append) as watch:
        distributed.init_process_group("fake", store=FakeStore(), rank=1, world_size=2)
        watch.observe(float("nan"))
        optimizer.step()
        distributed.destroy_process_group()
    assert [alert.kind for alert in told.alerts] == ["non_finite"]
    assert not heard
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""
