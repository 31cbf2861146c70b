"""Trainings of the kinds that people run, at good rates: no event is told as a warning."""

import math
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, Optimizer, RMSprop

from lrwatch import attach

Losses = Iterator[tuple[Optimizer, Tensor]]


def net(n_in: int, n_out: int, act: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, 32), act(), nn.Linear(32, n_out))


def batches(n: int, size: int, n_steps: int) -> Iterator[Tensor]:
    """Shuffled anew each epoch; the last batch of it is smaller."""
    shuffled: list[Tensor] = []
    for _ in range(n_steps):
        shuffled = shuffled or list(torch.randperm(n).split(size))
        yield shuffled.pop(0)


def a_class_that_most_batches_lack() -> Losses:
    inputs = torch.randn(4096, 16)
    labels = (inputs[:, 0] + inputs[:, 1] > 3.2).float()
    model = net(16, 1)
    optimizer = Adam(model.parameters(), lr=1e-2)
    for at in batches(4096, 32, 600):
        logits = model(inputs[at]).squeeze(1)
        yield optimizer, functional.binary_cross_entropy_with_logits(logits, labels[at])


def a_margin_that_most_batches_keep() -> Losses:
    model = nn.Linear(8, 4)
    optimizer = Adam(model.parameters(), lr=1e-3)
    for _ in range(600):
        anchor, other = torch.randn(2, 16, 8)
        like = anchor + 0.1 * torch.randn(16, 8)
        yield (
            optimizer,
            functional.triplet_margin_loss(model(anchor), model(like), model(other), margin=0.3),
        )


def three_samples_at_the_end_of_each_epoch() -> Losses:
    inputs = torch.randn(643, 16)
    labels = (inputs @ torch.randn(16, 4) + 0.5 * torch.randn(643, 4)).argmax(1)
    model = net(16, 4)
    optimizer = SGD(model.parameters(), lr=0.02, momentum=0.9)
    for at in batches(643, 32, 600):
        yield optimizer, functional.cross_entropy(model(inputs[at]), labels[at])


def counts_that_leave_little_to_learn() -> Losses:
    inputs = 0.5 * torch.randn(2048, 8)
    counts = torch.poisson((inputs.sum(1) + 1).exp())
    model = net(8, 1)
    optimizer = Adam(model.parameters(), lr=1e-2)
    for at in batches(2048, 64, 1024):
        yield optimizer, functional.poisson_nll_loss(model(inputs[at]).squeeze(1), counts[at])


def the_floor_of_a_full_batch() -> Losses:
    at = torch.linspace(-math.pi, math.pi, 500)
    powers = at.unsqueeze(1) ** torch.tensor([1, 2, 3])
    model = nn.Linear(3, 1)
    optimizer = RMSprop(model.parameters(), lr=1e-3)
    for _ in range(2000):
        yield (
            optimizer,
            4 * functional.mse_loss(model(powers).squeeze(1), at.sin(), reduction="sum"),
        )


TRAININGS = [
    a_class_that_most_batches_lack,
    a_margin_that_most_batches_keep,
    three_samples_at_the_end_of_each_epoch,
    counts_that_leave_little_to_learn,
    the_floor_of_a_full_batch,
]


def told_of(losses: Losses) -> list[tuple[str, int]]:
    """Warnings and worse but those that judge the rate."""
    watch = None
    for optimizer, loss in losses:
        watch = watch or attach(optimizer, run_dir=False, stderr=False, norm_every=1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert watch is not None
    watch.close()
    loud = (a for a in watch.alerts if a.severity != "info" and a.verdict is None)
    return [(alert.kind, alert.step) for alert in loud]


@pytest.mark.parametrize("training", TRAININGS, ids=lambda training: training.__name__)
def test_a_healthy_training_is_left_alone(training: Callable[[], Losses]) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    assert told_of(training()) == []
