"""Data and models that every framework trains on; made on the spot."""

import json
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tests.loop.training import Told

torch.set_num_threads(1)


class Attached(Told):
    """A sink that also knows what an adapter attached with."""

    def __init__(self, model: Any, settings: dict[str, Any]) -> None:
        super().__init__()
        self.model, self.settings = model, settings


def as_json(**settings: Any) -> dict[str, Any]:
    """The settings as a configuration file would give them."""
    found: dict[str, Any] = json.loads(json.dumps(settings))
    return found


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(8, 1)


def batches(n: int, size: int = 16) -> DataLoader[tuple[Tensor, ...]]:
    """Inputs and a sum to learn: any rate of SGD above 1 diverges."""
    x = torch.randn(n * size, 8, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(n * size, 1, generator=torch.Generator().manual_seed(2))
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True) + 0.1 * noise), batch_size=size)
