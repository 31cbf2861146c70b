"""Small nets with short steps at rates far too high: the rate is named at once, and stays named."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import SGD, Adam, Optimizer

from lrwatch import attach

Made = Callable[[Iterator[nn.Parameter]], Optimizer]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "made",
    [
        partial(SGD, lr=4.0),
        partial(SGD, lr=20.0),
        partial(SGD, lr=1.0, momentum=0.9),
        partial(Adam, lr=1.0),
    ],
    ids=["sgd_4", "sgd_20", "momentum_1", "adam_1"],
)
def test_a_launch_too_hot_is_named_within_80_steps_and_to_the_end(made: Made, seed: int) -> None:
    torch.manual_seed(seed)
    centres = torch.randn(10, 64)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = made(model.parameters())
    with attach(optimizer, run_dir=False, stderr=False) as watch:
        for _ in range(400):
            labels = torch.randint(0, 10, (32,))
            inputs = centres[labels] + 2.0 * torch.randn(32, 64)
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
    named = [alert.step for alert in watch.alerts if alert.verdict == "too_high"]
    assert named
    assert named[0] < 80
    assert watch.verdict == "too_high"
