"""Workloads whose loss is mostly noise that nothing can learn: weak signals, clicks, fine-tuning.

Loss and gradient norm hardly move there at any rate, so that the right rate looks like one that is
too low. Made on 2026-11-24 after a check of a hundred kinds of healthy trainings had found these.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.benchmarks.sweep.optimizers import Optimizer
from tests.benchmarks.sweep.task import Supervised, Task
from tests.benchmarks.sweep.workload import Workload

SEED = 17
_N, _FEATURES = 8000, 20


def _dense(n_in: int, n_out: int, width: int = 32) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, n_out))


def _logits(logits: Tensor, y: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, y)


def _inputs(seed: int) -> tuple[Tensor, Tensor, torch.Generator]:
    """Gaussian inputs [n, 20], a linear law of unit variance [n, 1], and the generator."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(_N, _FEATURES, generator=generator)
    law = torch.randn(_FEATURES, 1, generator=generator) / math.sqrt(_FEATURES)
    return x, x @ law, generator


def weak_regression(seed: int, batch_size: int = 64) -> Supervised:
    """A law that explains a twentieth of the target."""
    x, law, generator = _inputs(seed)
    y = 0.23 * law + torch.randn(_N, 1, generator=generator)
    net = _dense(_FEATURES, 1)
    return Supervised(net, x, y, functional.mse_loss, batch_size=batch_size, seed=seed)


def weak_labels(seed: int, batch_size: int = 64) -> Supervised:
    """Two classes that the best guess tells apart in three cases of five."""
    x, law, generator = _inputs(seed)
    y = (torch.rand(_N, 1, generator=generator) < torch.sigmoid(0.5 * law)).float()
    return Supervised(_dense(_FEATURES, 1), x, y, _logits, batch_size=batch_size, seed=seed)


def clicks(seed: int) -> Supervised:
    """One positive in thirty, and a net whose bias knows that from the start."""
    x, law, generator = _inputs(seed)
    y = (torch.rand(_N, 1, generator=generator) < torch.sigmoid(law - 3.8)).float()
    last = nn.Linear(32, 1)
    nn.init.constant_(last.bias, -3.4)
    net = nn.Sequential(nn.Linear(_FEATURES, 32), nn.ReLU(), last)
    return Supervised(net, x, y, _logits, batch_size=128, seed=seed)


def forecast(seed: int) -> Supervised:
    """The next value of a noisy autoregression from the last sixteen."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(_N + 216, generator=generator)
    series = torch.zeros(_N + 216)
    for i in range(2, len(series)):
        series[i] = 0.5 * series[i - 1] - 0.3 * series[i - 2] + noise[i]
    windows = series[200:].unfold(0, 17, 1)[:_N]
    net = _dense(16, 1)
    x, y = windows[:, :16], windows[:, 16:]
    return Supervised(net, x, y, functional.mse_loss, batch_size=64, seed=seed)


def fine_tuning(seed: int, batch_size: int = 16) -> Supervised:
    """A net that was trained for one task, on another that is much like it, with noisy labels."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(_N, _FEATURES, generator=generator)
    before = torch.randn(_FEATURES, 5, generator=generator)
    after = before + 0.7 * torch.randn(_FEATURES, 5, generator=generator)
    noise = torch.randn(_N, 5, generator=generator)
    net, old = _dense(_FEATURES, 5, 64), (x @ before + noise).argmax(1)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for i in range(600):
        rows = torch.arange(64 * i, 64 * (i + 1)) % _N
        optimizer.zero_grad()
        functional.cross_entropy(net(x[rows]), old[rows]).backward()
        optimizer.step()
    y, loss = (x @ after + 3 * noise).argmax(1), functional.cross_entropy
    return Supervised(net, x, y, loss, batch_size=batch_size, seed=seed)


def _workload(
    build: Callable[[int], Task], optimizer: Optimizer, centre: float, **more: Any
) -> Workload:
    return Workload(build=build, optimizer=optimizer, centre=centre, n_steps=1000, **more)


FLOORS = (
    _workload(weak_regression, "adam", 3e-3, name="weak_regression"),
    _workload(
        partial(weak_regression, batch_size=512),
        "momentum",
        3e-2,
        name="weak_regression_512",
        schedule="warmup_cosine",
    ),
    _workload(weak_labels, "adamw", 3e-3, name="weak_labels"),
    _workload(partial(weak_labels, batch_size=8), "sgd", 1e-1, name="weak_labels_8"),
    _workload(clicks, "adam", 3e-3, name="clicks"),
    _workload(forecast, "rmsprop", 1e-3, name="forecast"),
    _workload(fine_tuning, "adamw", 1e-3, name="fine_tuning", schedule="warmup_cosine"),
    _workload(partial(fine_tuning, batch_size=64), "adam", 1e-3, name="fine_tuning_64"),
)
