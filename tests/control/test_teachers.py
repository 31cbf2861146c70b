"""A mean teacher within the model comes back with the weights that it follows."""

import copy
import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, Optimizer

import lrwatch
from lrwatch.control.snapshot import Snapshots

torch.set_num_threads(1)


class Taught(nn.Module):
    """A student, its mean, and a backbone that is frozen."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.backbone = nn.Linear(4, 100).requires_grad_(False)
        self.student = nn.Linear(100, 1)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)

    def follow(self, *, by_data: bool = False) -> None:
        for own, p in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            if by_data:
                own.data.mul_(0.9).add_(0.1 * p.data)
            else:
                own.lerp_(p.detach(), 0.1)

    def step(self, optimizer: Optimizer, factor: float = 1.0) -> None:
        optimizer.zero_grad()
        z = self.backbone(torch.randn(16, 4))
        apart = self.student(z) - self.teacher(z)
        loss = (self.student(z) - 1).square().mean() + 0.1 * apart.square().mean()
        loss.backward()
        if math.isnan(factor):
            self.student.weight.grad = torch.full((1, 100), factor)  # the loss is finite
        optimizer.step()


@pytest.mark.parametrize("by_data", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_a_teacher_comes_back_and_a_backbone_is_not_copied(by_data: bool, whole: bool) -> None:
    model = Taught()
    optimizer = SGD((model if whole else model.student).parameters(), lr=0.01)
    snapshots = Snapshots(optimizer, model)
    snapshots.save("start", 0)
    assert snapshots.n_bytes == 101 * 4
    model.step(optimizer)
    model.follow(by_data=by_data)
    snapshots.save("good", 1)
    assert snapshots.n_bytes == (101 + 2 * 101) * 4
    then = [p.clone() for p in model.parameters()]
    for p in (*model.student.parameters(), *model.teacher.parameters()):
        p.data.fill_(torch.nan)
    snapshots.load("good")
    assert all(map(torch.equal, then, model.parameters()))


def test_a_run_whose_teacher_was_ruined_goes_on(tmp_path: Path) -> None:
    model = Taught()
    optimizer = Adam(model.student.parameters(), lr=0.003)
    with lrwatch.attach(optimizer, model, backoff=True, run_dir=tmp_path, stderr=False) as watch:
        for i in range(600):
            model.step(optimizer, torch.nan if i == 450 else 1.0)
            model.follow()
    assert all(p.isfinite().all() for p in model.parameters())
    assert watch.n_steps == 600


def test_what_another_optimizer_trains_is_left_to_it() -> None:
    model = Taught()
    model.teacher.requires_grad_(True)
    snapshots = Snapshots(optimizer := SGD(model.student.parameters(), lr=0.01), model)
    model.teacher.requires_grad_(False)  # as Lightning does while the other one steps
    for i in range(3):
        snapshots.save("here", i)
        model.step(optimizer)
        model.follow()
    assert snapshots.n_bytes == 101 * 4


def test_a_quantised_or_lazy_backbone_is_no_teacher() -> None:
    model = Taught()
    model.quantised = nn.Parameter(torch.ones(4, dtype=torch.uint8), requires_grad=False)
    model.lazy = nn.UninitializedParameter(requires_grad=False)
    snapshots = Snapshots(optimizer := SGD(model.student.parameters(), lr=0.01), model)
    for i in range(2):
        snapshots.save("here", i)
        model.step(optimizer)
        model.follow()
        model.quantised.add_(1)
    snapshots.save("here", 2)
    assert snapshots.n_bytes == 2 * 101 * 4
