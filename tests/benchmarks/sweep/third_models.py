"""The nets of the third registry that are more than a stack of dense layers."""

import torch
from torch import Tensor, nn

from tests.benchmarks.sweep.models import dense
from tests.benchmarks.sweep.tables_models import N_DIGITS

_CODE = 8


def strided() -> nn.Sequential:
    """Two convolutions over a digit, the second with a stride of two."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(144, 32),
        nn.ReLU(),
        nn.Linear(32, N_DIGITS),
    )


def batch_normed() -> nn.Sequential:
    """Three dense layers over a digit, normalised over the batch."""
    return nn.Sequential(
        nn.Linear(64, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, N_DIGITS),
    )


def dropped_out() -> nn.Sequential:
    """Three dense layers over a digit, half of the units left out."""
    return nn.Sequential(
        nn.Linear(64, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(64, N_DIGITS),
    )


class PostNorm(nn.Module):
    """Two blocks of torch's own transformer over the rows of a digit, normalised after each sum."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 32)
        self.place = nn.Parameter(0.1 * torch.randn(8, 32))
        block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.blocks = nn.TransformerEncoder(block, 2)
        self.read = nn.Linear(32, N_DIGITS)

    def forward(self, x: Tensor) -> Tensor:
        """Digits [n, 64] to scores [n, 10]."""
        hidden = self.blocks(self.embed(x.view(-1, 8, 8)) + self.place)
        found: Tensor = self.read(hidden.mean(1))
        return found


class Variational(nn.Module):
    """A digit through eight noisy numbers and back."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = dense(64, 48, 2 * _CODE), dense(_CODE, 48, 64)

    def forward(self, x: Tensor) -> Tensor:
        """Digits [n, 64] to their pixels' log odds beside mean and log variance [n, 64 + 16]."""
        mean, log_var = self.encode(x).chunk(2, 1)
        code = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        return torch.cat([self.decode(code), mean, log_var], 1)


def negative_elbo(found: Tensor, wanted: Tensor) -> Tensor:
    """What :class:`Variational` is trained with: cross entropy of the pixels and divergence."""
    pixels, mean, log_var = found[:, :64], found[:, 64 : 64 + _CODE], found[:, 64 + _CODE :]
    lost = nn.functional.binary_cross_entropy_with_logits(pixels, wanted, reduction="none")
    divergence = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)
    return lost.sum(1).mean() + divergence.mean()


class Embedded(nn.Module):
    """The character after six, from their embeddings and a layer of tanh."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(40, 16)
        self.hidden = nn.Linear(96, 64)
        self.read = nn.Linear(64, 40)

    def forward(self, x: Tensor) -> Tensor:
        """Characters [n, 6] to scores [n, 40]."""
        found: Tensor = self.read(torch.tanh(self.hidden(self.embed(x).flatten(1))))
        return found
