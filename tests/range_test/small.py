"""Small real trainings for the range test."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


class Small(NamedTuple):
    model: nn.Sequential
    optimizer: torch.optim.Optimizer
    loader: "DataLoader[Any]"


def data(n: int = 512) -> TensorDataset:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, 8, generator=generator)
    y = torch.sin(0.5 * x @ torch.randn(8, 1, generator=generator))
    return TensorDataset(x, y)


def small(optimizer: str = "SGD", *, lr: float = 0.1, **options: Any) -> Small:
    """A net with dropout and batch normalisation, and a loader that shuffles."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 1)
    )
    made = getattr(torch.optim, optimizer)(model.parameters(), lr=lr, **options)
    return Small(model, made, DataLoader(data(), batch_size=32, shuffle=True))


def train(one: Small, n_steps: int) -> list[float]:
    """Some steps of a plain loop; the losses."""
    losses: list[float] = []
    while len(losses) < n_steps:
        for x, y in one.loader:
            one.optimizer.zero_grad()
            loss = nn.functional.mse_loss(one.model(x), y)
            loss.backward()
            one.optimizer.step()
            losses.append(loss.item())
            if len(losses) == n_steps:
                break
    return losses


def everything(one: Small) -> list[Any]:
    """All that a range test could change, as plain values."""
    state = one.optimizer.state_dict()
    return [
        {name: value.clone() for name, value in one.model.state_dict().items()},
        _plain(state["state"]),
        _plain(state["param_groups"]),
        torch.get_rng_state(),
        [None if p.grad is None else p.grad.clone() for p in one.model.parameters()],
        [module.training for module in one.model.modules()],
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def assert_same(now: Any, before: Any) -> None:
    torch.testing.assert_close(now, before, rtol=0, atol=0, equal_nan=True)


QUICK: dict[str, Any] = {"n_steps": 40, "trial_steps": 20}

every_optimizer = pytest.mark.parametrize(
    ("name", "options", "n_before"),
    [
        ("SGD", {}, 0),
        ("SGD", {"momentum": 0.9}, 7),
        ("AdamW", {}, 0),
        ("RMSprop", {}, 7),
        ("Adam", {"fused": True}, 7),
        ("Adam", {"amsgrad": True, "lr": torch.tensor(0.01), "foreach": False}, 7),
    ],
)
