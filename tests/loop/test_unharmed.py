"""With no action taken a watched training is bit for bit the one without lrwatch."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim
from torch.optim import lr_scheduler

from lrwatch import attach
from tests.loop.training import batch, small_model

N = 25

OPTIMIZERS: dict[str, Callable[[list[Tensor]], optim.Optimizer]] = {
    "Adadelta": optim.Adadelta,
    "Adafactor": optim.Adafactor,
    "Adagrad": optim.Adagrad,
    "Adagrad fused": lambda p: optim.Adagrad(p, fused=True),
    "Adam": optim.Adam,
    "Adam amsgrad": lambda p: optim.Adam(p, amsgrad=True),
    "Adam foreach": lambda p: optim.Adam(p, foreach=True),
    "Adam fused": lambda p: optim.Adam(p, fused=True),
    "Adam of a tensor rate": lambda p: optim.Adam(p, lr=torch.tensor(1e-3)),
    "AdamW": optim.AdamW,
    "AdamW fused": lambda p: optim.AdamW(p, fused=True),
    "Adamax": optim.Adamax,
    "ASGD": optim.ASGD,
    "LBFGS": lambda p: optim.LBFGS(p, lr=0.1, max_iter=3),
    "Muon": lambda p: optim.Muon([q for q in p if q.ndim == 2]),
    "NAdam": optim.NAdam,
    "RAdam": optim.RAdam,
    "RMSprop": optim.RMSprop,
    "RMSprop foreach": lambda p: optim.RMSprop(p, momentum=0.9, foreach=True),
    "Rprop": optim.Rprop,
    "SGD": lambda p: optim.SGD(p, lr=0.01),
    "SGD fused": lambda p: optim.SGD(p, lr=0.01, momentum=0.9, fused=True),
    "SGD nesterov": lambda p: optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.1),
    "SparseAdam": optim.SparseAdam,
}

SCHEDULERS: dict[str, Callable[[optim.Optimizer], Any]] = {
    "ConstantLR": lr_scheduler.ConstantLR,
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=N),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=7),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 1e-4, 1e-2, step_size_up=4),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, gamma=0.97),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda i: 0.99**i),
    "LinearLR": lr_scheduler.LinearLR,
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [5, 15]),
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda i: 0.95),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=N),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o, total_iters=N),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=1),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o), lr_scheduler.ExponentialLR(o, 0.9)], [6]
    ),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 5),
}


BACKWARDS: dict[str, Callable[[Tensor, Tensor], object]] = {
    "by the tensor": lambda loss, w: loss.backward(inputs=[w]),
    "roots alone": lambda loss, w: torch.autograd.backward(loss),
    "roots by name": lambda loss, w: torch.autograd.backward(tensors=[loss]),
    "all by place": lambda loss, w: torch.autograd.backward(
        loss, torch.tensor(2.0), False, False, None, [w]
    ),
    "all by place, as they are by themselves": lambda loss, w: torch.autograd.backward(
        loss, None, None, False, None, None
    ),
    "all by name": lambda loss, w: torch.autograd.backward(
        tensors=loss,
        grad_tensors=torch.tensor(2.0),
        retain_graph=False,
        create_graph=False,
        inputs=w,
    ),
}


class Lookup(nn.Module):
    """An embedding whose gradients are sparse."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(20, 4, sparse=True)

    def forward(self, x: Tensor) -> Tensor:
        rows: Tensor = self.table((x.sum(dim=1).abs() * 3).long() % 20)
        return rows.sum(dim=1, keepdim=True)


def outcome(
    name: str, new_scheduler: Callable[[optim.Optimizer], Any] | None, *, watched: bool
) -> list[Any]:
    """Everything that a training leaves behind: losses, weights, moments, rates, random state."""
    model: nn.Module = Lookup() if name == "SparseAdam" else small_model()
    optimizer = OPTIMIZERS[name](list(model.parameters()))
    scheduler = new_scheduler(optimizer) if new_scheduler else None
    torch.manual_seed(1)
    left: list[Any] = []
    with attach(optimizer, model, run_dir=False, norm_every=2) if watched else nullcontext():
        for i in range(N):
            x, y = batch(i)
            noise = 0.1 * torch.randn_like(x)

            def closure(x: Tensor = x + noise, y: Tensor = y) -> Tensor:
                model.zero_grad()
                loss: Tensor = ((model(x) - y) ** 2).mean()
                loss.backward()
                return loss

            loss = torch.as_tensor(optimizer.step(closure)).item()  # type: ignore[arg-type]
            if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
                scheduler.step(loss)
            elif scheduler is not None:
                scheduler.step()
            left += [loss, *(float(group["lr"]) for group in optimizer.param_groups)]
    tensors = [*model.parameters(), *tensors_of(optimizer.state_dict()), torch.get_rng_state()]
    return left + [t.detach().clone() for t in tensors]


def tensors_of(state: Any) -> Iterator[Tensor]:
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, (dict, list, tuple)):
        for value in state.values() if isinstance(state, dict) else state:
            yield from tensors_of(value)


def assert_same(one: list[Any], other: list[Any]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a, b) if isinstance(a, Tensor) else a == b


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weights_moments_and_random_state_are_the_same_bits(name: str) -> None:
    assert_same(outcome(name, None, watched=True), outcome(name, None, watched=False))


@pytest.mark.parametrize("name", ["SGD nesterov", "Adam of a tensor rate"])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_schedules_are_the_same_bits(scheduler: str, name: str) -> None:
    new = SCHEDULERS[scheduler]
    if scheduler == "CyclicLR" and name == "Adam of a tensor rate":
        new = lambda o: lr_scheduler.CyclicLR(o, 1e-4, 1e-2, 4, cycle_momentum=False)  # noqa: E731
    assert_same(outcome(name, new, watched=True), outcome(name, new, watched=False))


@pytest.mark.parametrize("way", BACKWARDS)
def test_backward_may_be_called_in_every_way(way: str) -> None:
    def trained(watched: bool) -> list[Tensor]:
        weight, other = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
        optimizer = optim.SGD([weight, other], lr=0.01)
        with attach(optimizer, run_dir=False, norm_every=2) if watched else nullcontext():
            for _ in range(N):
                optimizer.zero_grad()
                BACKWARDS[way]((weight * other).square().sum(), weight)
                optimizer.step()
        return [weight, other]

    assert_same(trained(True), trained(False))


def test_every_optimizer_of_torch_is_among_them() -> None:
    kinds = {k for k, v in vars(optim).items() if isinstance(v, type)} - {"Optimizer"}
    assert {name.split()[0] for name in OPTIMIZERS} == kinds
