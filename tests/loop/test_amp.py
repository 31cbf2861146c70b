"""Mixed precision: losses and norms without the scale, and skipped steps marked as such."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.amp import GradScaler
from torch.nn.utils import clip_grad_norm_

from lrwatch import attach
from tests.loop.training import Told, exact_norm, loss_of, small_model

N = 24
OPTIMIZERS: list[tuple[type[torch.optim.Optimizer], dict[str, Any]]] = [
    (torch.optim.SGD, {"lr": 1e-3}),
    (torch.optim.SGD, {"lr": 1e-3, "fused": True}),
    (torch.optim.AdamW, {"lr": 1e-3}),
    (torch.optim.AdamW, {"lr": 1e-3, "fused": True}),
]


@pytest.fixture(params=OPTIMIZERS, ids=lambda p: f"{p[0].__name__}{'-fused' * ('fused' in p[1])}")
def made(request: pytest.FixtureRequest) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = small_model()
    kind, settings = request.param
    return model, kind(model.parameters(), **settings)


def test_losses_and_norms_are_unscaled_and_skipped_steps_marked(
    made: tuple[nn.Module, torch.optim.Optimizer],
) -> None:
    model, optimizer = made
    told, logged, exact, skipped = Told(), [], [], []
    scaler = GradScaler("cpu", init_scale=2.0**10, growth_interval=1000)
    with attach(optimizer, run_dir=False, norm_every=1, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = loss_of(model, i) * (float("inf") if i == 7 else 1.0)
            scale = scaler.get_scale()
            scaler.scale(loss).backward()
            exact.append(exact_norm(model) / scale)
            scaler.step(optimizer)
            scaler.update()
            logged.append(loss.item())
            if scaler.get_scale() < scale:
                skipped.append(i)
    assert skipped == [7]
    assert [step.step for step in told.steps if step.skipped] == skipped
    assert [step.step for step in told.steps] == list(range(N))
    assert told.losses == logged
    del exact[7]
    norms = [step.grad_norm for step in told.steps if not step.skipped]
    assert norms == pytest.approx(exact, rel=1e-5)


def test_a_skipped_step_is_no_trouble(made: tuple[nn.Module, torch.optim.Optimizer]) -> None:
    model, optimizer = made
    scaler = GradScaler("cpu", init_scale=2.0**127)  # overflows until it is set by hand
    told = Told()
    with attach(optimizer, run_dir=False, norm_every=1, sinks=[told]) as watch:
        for i in range(N):
            optimizer.zero_grad()
            scaler.scale(100 * loss_of(model, i)).backward()
            scaler.step(optimizer)
            scaler.update(2.0**10 if i == 5 else None)
        assert watch.alerts == []
    assert any(step.skipped for step in told.steps)
    assert not told.steps[-1].skipped


@pytest.mark.parametrize("unscale_first", [True, False])
def test_the_norm_from_clipping_is_unscaled(
    made: tuple[nn.Module, torch.optim.Optimizer], unscale_first: bool
) -> None:
    model, optimizer = made
    told, exact = Told(), []
    scaler = GradScaler("cpu", init_scale=2.0**10)
    with attach(optimizer, run_dir=False, norm_every=1000, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            scaler.scale(loss_of(model, i)).backward()
            if unscale_first:
                scaler.unscale_(optimizer)
            norm = clip_grad_norm_(model.parameters(), 0.1).item()
            exact.append(norm if unscale_first else norm / 2.0**10)
            scaler.step(optimizer)
            scaler.update()
    assert told.norms == pytest.approx(exact, rel=1e-6)


def test_a_root_made_from_scaled_losses_is_unscaled() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    scaler = GradScaler("cpu", init_scale=2.0**10)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            first, second = loss_of(model, i), loss_of(model, i + 1)
            ((scaler.scale(first) + scaler.scale(second)) / 2).backward()
            scaler.step(optimizer)
            scaler.update()
            logged.append((first.item() + second.item()) / 2)
    assert told.losses == pytest.approx(logged, rel=1e-6)


def test_several_losses_scaled_together_are_summed_unscaled() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    scaler = GradScaler("cpu", init_scale=2.0**10)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            losses = [loss_of(model, i), loss_of(model, i + 1)]
            for scaled in scaler.scale(losses):
                scaled.backward()
            scaler.step(optimizer)
            scaler.update()
            logged.append(sum(loss.item() for loss in losses))
    assert told.losses == logged


def test_a_training_without_a_scaler_beside_one_with_it_keeps_its_units() -> None:
    scaled, plain, told, exact = small_model(), small_model(1), Told(), []
    of_scaled = torch.optim.SGD(scaled.parameters(), lr=1e-3)
    of_plain = torch.optim.SGD(plain.parameters(), lr=1e-3)
    scaler = GradScaler("cpu", init_scale=2.0**10)
    with attach(of_plain, run_dir=False, sinks=[told]):
        for i in range(N):
            scaler.scale(loss_of(scaled, i)).backward()
            scaler.step(of_scaled)
            scaler.update()
            of_plain.zero_grad()
            loss_of(plain, i).backward()
            exact.append(clip_grad_norm_(plain.parameters(), 0.1).item())
            of_plain.step()
    assert told.norms == exact


def test_a_disabled_scaler_changes_nothing() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    scaler = GradScaler("cpu", enabled=False)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            loss = loss_of(model, i)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            logged.append(loss.item())
    assert told.losses == logged
    assert not any(step.skipped for step in told.steps)
