"""Parameters and buffers that are inserted or exchanged between a snapshot and its return."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Adam

from lrwatch.control.snapshot import Snapshots

torch.set_num_threads(1)


def param(*shape: int, value: float = 1.0) -> nn.Parameter:
    return nn.Parameter(torch.full(shape, value))


def adam(*groups: list[nn.Parameter]) -> Adam:
    return Adam([{"params": group} for group in groups], lr=0.1, foreach=False)


def step(optimizer: torch.optim.Optimizer) -> None:
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = torch.ones_like(p)
    optimizer.step()


def moments(optimizer: torch.optim.Optimizer, p: Tensor) -> list[float]:
    return [float(value.sum()) for value in optimizer.state[p].values()]


def test_one_inserted_before_others_moves_no_copy_to_another() -> None:
    first, second, third = param(4, value=1.0), param(4, value=2.0), param(2, 4, value=3.0)
    optimizer = adam([first], [second, third])
    step(optimizer)
    snapshots = Snapshots(optimizer)
    snapshots.save("here", 1)
    kept = [p.detach().clone() for p in (first, second, third)]
    then = moments(optimizer, second)
    late = param(4, value=9.0)
    optimizer.param_groups[0]["params"].append(late)
    step(optimizer)
    now, own = late.detach().clone(), moments(optimizer, late)
    snapshots.load("here")
    assert all(torch.equal(a, b) for a, b in zip(kept, (first, second, third), strict=True))
    assert moments(optimizer, second) == then
    assert torch.equal(late, now)
    assert moments(optimizer, late) == own
    step(optimizer)


@pytest.mark.parametrize("shape", [(4,), (6,)])
def test_one_put_in_the_place_of_another_keeps_what_it_has(shape: tuple[int, ...]) -> None:
    body, head = param(3), param(4)
    optimizer = adam([body, head])
    snapshots = Snapshots(optimizer)
    snapshots.save("start", 0)
    step(optimizer)
    snapshots.save("here", 1)
    new = param(*shape, value=7.0)
    del optimizer.state[head]
    optimizer.param_groups[0]["params"][1] = new
    step(optimizer)
    now, own = new.detach().clone(), moments(optimizer, new)
    for name in ("here", "start"):
        snapshots.load(name)
        assert torch.equal(new, now)
        assert moments(optimizer, new) == own
    assert body.tolist() == [1.0] * 3
    step(optimizer)


def test_places_that_are_changed_change_no_weight() -> None:
    first, second = param(2, value=1.0), param(2, value=2.0)
    optimizer = adam([first, second])
    snapshots = Snapshots(optimizer)
    snapshots.save("here", 0)
    optimizer.param_groups[0]["params"].reverse()
    assert snapshots.displacement("here") == 0
    snapshots.load("here")
    assert (first.tolist(), second.tolist()) == ([1.0, 1.0], [2.0, 2.0])


def test_nothing_is_left_of_one_that_is_gone_at_the_next_save() -> None:
    first, second = param(2), param(3)
    optimizer = adam([first, second])
    snapshots = Snapshots(optimizer)
    step(optimizer)
    snapshots.save("here", 1)
    n_bytes = snapshots.n_bytes
    optimizer.param_groups[0]["params"].pop()
    del optimizer.state[second]
    snapshots.save("here", 2)
    assert snapshots.n_bytes == n_bytes - (3 * 3 + 1) * 4


def test_one_at_the_address_of_another_that_is_gone_is_not_that_one() -> None:
    old, new = param(2), param(2, value=7.0)
    optimizer = adam([old])
    snapshots = Snapshots(optimizer)
    snapshots.save("here", 0)
    optimizer.param_groups[0]["params"][0] = new
    kept = snapshots._slots["here"]._kept
    kept[id(new)] = kept.pop(id(old))  # as where memory is used again
    snapshots.load("here")
    assert new.tolist() == [7.0, 7.0]


class Masked(nn.Module):
    mask: Tensor
    n_seen: Tensor
    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.weight = param(4)
        self.register_buffer("mask", torch.ones(4, dtype=torch.bool))
        self.register_buffer("n_seen", torch.zeros((), dtype=torch.long))
        self.register_buffer("mean", torch.zeros(4))


def test_a_mask_that_was_set_anew_is_not_taken_back() -> None:
    model = Masked()
    optimizer = adam([model.weight])
    snapshots = Snapshots(optimizer, model)
    snapshots.save("here", 0, exact=True)
    model.mask = torch.tensor([True, False, False, True])
    model.n_seen = model.n_seen + 1
    model.mean.fill_(3.0)
    snapshots.load("here")
    assert model.mask.tolist() == [True, False, False, True]
    assert model.n_seen == 1
    assert model.mean.tolist() == [0.0] * 4
    snapshots.load("here", exact=True)
    assert model.mask.tolist() == [True] * 4
    assert model.n_seen == 0


def test_a_statistic_that_is_made_anew_each_time_comes_back_if_it_is_ruined() -> None:
    model = Masked()
    optimizer = adam([model.weight])
    snapshots = Snapshots(optimizer, model)
    snapshots.save("here", 0)
    model.mean = model.mean + 1.0
    snapshots.save("here", 1)
    model.mean = model.mean + torch.nan
    snapshots.load("here")
    assert model.mean.tolist() == [1.0] * 4
