"""A shadow of torch's kind beside an optimizer of another: rates, updates, hidden gradients."""

from collections.abc import Sequence
from typing import Any

import torch

from lrwatch.loop.attach import attach
from lrwatch.loop.frameworks.said import say_loss
from lrwatch.loop.frameworks.shadow import Shadow
from tests.loop.training import Told


class Descent:
    """Gradient descent that knows nothing of torch's optimizers."""

    def __init__(self, weight: torch.Tensor, rate: float) -> None:
        self.weight, self.rate = weight, rate
        self.used: list[float] = []
        self.shadow = Shadow([[weight]], lambda: [self.rate], self.update, lambda: {})

    def update(self, rates: Sequence[Any]) -> None:
        self.used.append(rates[0])
        assert self.weight.grad is not None
        self.weight.data -= rates[0] * self.weight.grad

    def step(self) -> None:
        self.shadow.announce()
        self.shadow.step()
        self.weight.grad = None


def descend(rate: float, n: int, **settings: Any) -> tuple[Descent, Told, list[float]]:
    descent, told = Descent(torch.ones(1, requires_grad=True), rate), Told()
    losses = []
    with attach(descent.shadow, run_dir=False, stderr=False, sinks=[told], **settings):
        for _ in range(n):
            loss = (descent.weight**2).sum()
            losses.append(loss.item())
            loss.backward()
            descent.step()
    return descent, told, losses


def test_loss_norm_and_rate_are_those_of_the_other_optimizer() -> None:
    descent, told, losses = descend(0.1, 20, norm_every=1)
    assert told.losses == losses
    assert told.norms[0] == 2.0
    assert [step.lr for step in told.steps] == descent.used == [0.1] * 20


def test_a_back_off_scales_its_rate_and_leaves_the_schedule() -> None:
    descent, told, losses = descend(1.5, 60, backoff=True)
    assert told.actions
    assert losses[-1] < losses[0]
    assert min(descent.used) < descent.rate == 1.5
    assert len(descent.used) < 60, "skipped updates do not reach it"


def test_a_loss_that_is_said_takes_the_place_of_what_went_backward() -> None:
    descent, told = Descent(torch.ones(1, requires_grad=True), 0.1), Told()
    with attach(descent.shadow, run_dir=False, stderr=False, sinks=[told]):
        (8.0 * descent.weight).sum().backward()
        say_loss(descent.shadow, 1.0)
        descent.step()
    assert told.losses == [1.0]
