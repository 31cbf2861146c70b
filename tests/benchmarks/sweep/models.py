"""The nets of the sweep, small enough for a step of a millisecond."""

from itertools import pairwise

import torch
from torch import Tensor, nn


def dense(*widths: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Linear layers of these widths with an activation between them; images are flattened."""
    layers: list[nn.Module] = [nn.Flatten()]
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers[:-1])


def conv(n_classes: int, *, width: int = 8, normalised: bool = False) -> nn.Sequential:
    """Two strided convolutions over 12 x 12 images and a linear layer."""
    layers: list[nn.Module] = []
    for n_in, n_out in ((1, width), (width, 2 * width)):
        layers.append(nn.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=not normalised))
        layers += [nn.BatchNorm2d(n_out)] if normalised else []
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * width * 9, n_classes))


class Recurrent(nn.Module):
    """A recurrent net over symbols or values, read out at every step or at the last one."""

    def __init__(
        self,
        cell: type[nn.GRU] | type[nn.LSTM],
        n_in: int,
        n_out: int,
        *,
        width: int,
        symbols: bool,
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(n_in, width) if symbols else nn.Linear(n_in, width)
        self.cell = cell(width, width, batch_first=True)
        self.read = nn.Linear(width, n_out)
        self.symbols = symbols

    def forward(self, x: Tensor) -> Tensor:
        """Symbols [n, steps] to scores [n, steps, out], or values [n, steps, in] to [n, out]."""
        hidden = self.cell(self.embed(x))[0]
        found: Tensor = self.read(hidden if self.symbols else hidden[:, -1])
        return found


class Attention(nn.Module):
    """One block of a transformer, attention and a dense net, normalised before each."""

    def __init__(self, n_symbols: int, length: int, *, width: int, causal: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(n_symbols, width)
        self.place = nn.Parameter(0.1 * torch.randn(length, width))
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.read = nn.Linear(width, n_symbols)
        self.causal = causal

    def forward(self, x: Tensor) -> Tensor:
        """Symbols [n, steps] to scores [n, steps, symbols]."""
        hidden = self.embed(x) + self.place
        heads = self.mix(self.before(hidden)).unflatten(2, (6, -1)).transpose(1, 2)
        q, k, v = heads.chunk(3, 1)
        seen = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        hidden = hidden + self.out(seen.transpose(1, 2).flatten(2))
        found: Tensor = self.read(hidden + self.dense(self.between(hidden)))
        return found


class LastSymbols(nn.Module):
    """A dense net that predicts a symbol from the few before it."""

    def __init__(self, n_symbols: int, length: int, *, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(n_symbols, 12)
        self.net = dense(12 * length, width, n_symbols)

    def forward(self, x: Tensor) -> Tensor:
        """Symbols [n, length] to scores of the next one [n, symbols]."""
        found: Tensor = self.net(self.embed(x))
        return found
