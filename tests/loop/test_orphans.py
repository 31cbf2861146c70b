"""A watch whose model is gone ends at the next attach(); one that can be trained never does."""

import copy
from pathlib import Path

import pytest
import torch
from torch.optim import LBFGS, SGD, Adam, Optimizer
from torch.optim.lr_scheduler import StepLR
from torch.optim.swa_utils import AveragedModel

from lrwatch import attach
from lrwatch.loop.orphans import is_orphan
from tests.loop.training import small_model, train


def test_a_cell_that_is_run_again_goes_on_in_its_run_directory(tmp_path: Path) -> None:
    for _ in range(3):
        model = small_model()
        optimizer = SGD(model.parameters(), lr=0.01)
        watch = attach(optimizer, run_dir=tmp_path / "run")
        scheduler = StepLR(optimizer, 100)  # that of the last run held its optimizer until here
        train(model, optimizer, 150)
        scheduler.step()
    watch.close()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["lrwatch"]


@pytest.mark.parametrize("cls", [SGD, Adam, LBFGS])
@pytest.mark.parametrize("n_steps", [0, 5])
def test_an_optimizer_is_an_orphan_once_its_model_is_gone(
    cls: type[Optimizer], n_steps: int
) -> None:
    model = small_model()
    optimizer = cls(model.parameters(), lr=1e-3)  # type: ignore[call-arg]
    if cls is not LBFGS:
        train(model, optimizer, n_steps)
    assert not is_orphan(optimizer)
    copies = [AveragedModel(model), copy.deepcopy(model)]
    del model
    assert is_orphan(optimizer)
    assert len(copies) == 2


def test_one_parameter_that_somebody_holds_is_enough() -> None:
    model = small_model()
    groups = [{"params": [p]} for p in model.parameters()]
    optimizer = Adam(groups, lr=1e-3)
    train(model, optimizer, 3)
    head = model[2].bias
    del groups, model
    assert not is_orphan(optimizer)
    assert head.grad is not None


def test_a_tensor_that_is_trained_without_a_model_is_no_orphan() -> None:
    x = torch.zeros(3, requires_grad=True)
    optimizer = Adam([x], lr=1e-3)
    assert not is_orphan(optimizer)


def test_several_attached_before_the_training_begins_are_all_watched() -> None:
    optimizers = [SGD([torch.zeros(1, requires_grad=True)], lr=0.1) for _ in range(2)]
    watches = [attach(optimizer, run_dir=False) for optimizer in optimizers]
    assert all(map(is_orphan, optimizers))
    assert not any(watch.closed for watch in watches)


def test_an_optimizer_that_lives_beside_another_stays_watched() -> None:
    model, other = small_model(), small_model(1)
    optimizer, second = SGD(model.parameters(), lr=0.01), SGD(other.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False) as first, attach(second, run_dir=False):
        train(model, optimizer, 3)
    assert first.n_steps == 3
