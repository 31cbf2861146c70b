"""The nets over tables: most read a digit of 64 pixels, as an image or as eight rows."""

import torch
from torch import Tensor, nn

N_DIGITS = 10


def layer_normed() -> nn.Sequential:
    """A dense net over the 13 columns of the wines, normalised after each layer."""
    return nn.Sequential(
        nn.Linear(13, 48),
        nn.LayerNorm(48),
        nn.GELU(),
        nn.Linear(48, 48),
        nn.LayerNorm(48),
        nn.GELU(),
        nn.Linear(48, 3),
    )


def linear_autoencoder() -> nn.Sequential:
    """A digit through twelve numbers and back, without an activation."""
    return nn.Sequential(nn.Linear(64, 12), nn.Linear(12, 64))


def gelu_conv() -> nn.Sequential:
    """Two convolutions with GELU and dropout."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3, padding=1),
        nn.GELU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.GELU(),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(256, N_DIGITS),
    )


class Residual(nn.Module):
    """Three convolutions, normalised before each, around which the image also goes unchanged."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv2d(1, 12, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(12), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1))
            for _ in range(3)
        )
        self.read = nn.Linear(12 * 4, N_DIGITS)

    def forward(self, x: Tensor) -> Tensor:
        """Digits [n, 64] to scores [n, 10]."""
        hidden = self.enter(x.view(-1, 1, 8, 8))
        for block in self.blocks:
            hidden = hidden + block(hidden)
        found: Tensor = self.read(nn.functional.adaptive_avg_pool2d(hidden, 2).flatten(1))
        return found


class RowAttention(nn.Module):
    """One block of torch's own transformer over the rows of a digit."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 24)
        self.place = nn.Parameter(0.1 * torch.randn(8, 24))
        self.block = nn.TransformerEncoderLayer(
            24, 2, 48, dropout=0.0, batch_first=True, norm_first=True
        )
        self.read = nn.Linear(24, N_DIGITS)

    def forward(self, x: Tensor) -> Tensor:
        """Digits [n, 64] to scores [n, 10]."""
        hidden = self.block(self.embed(x.view(-1, 8, 8)) + self.place)
        found: Tensor = self.read(hidden.mean(1))
        return found


class RowRecurrent(nn.Module):
    """A recurrent net over the rows of a digit, read out at the last row or over all of them."""

    def __init__(self, cell: nn.RNN | nn.GRU | nn.LSTM, *, mean: bool) -> None:
        super().__init__()
        self.cell, self.mean = cell, mean
        self.read = nn.Linear(cell.hidden_size, N_DIGITS)

    def forward(self, x: Tensor) -> Tensor:
        """Digits [n, 64] to scores [n, 10]."""
        hidden = self.cell(x.view(-1, 8, 8))[0]
        found: Tensor = self.read(hidden.mean(1) if self.mean else hidden[:, -1])
        return found


class RowMixer(nn.Module):
    """Dense layers in turn across the rows of a digit and across the features of a row."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 16)
        self.rows, self.features = nn.Linear(8, 8), nn.Linear(16, 16)
        self.between = nn.LayerNorm(16)
        self.read = nn.Linear(16, N_DIGITS)

    def forward(self, x: Tensor) -> Tensor:
        """Digits [n, 64] to scores [n, 10]."""
        hidden = self.embed(x.view(-1, 8, 8))
        hidden = hidden + torch.relu(self.rows(hidden.transpose(1, 2))).transpose(1, 2)
        hidden = hidden + torch.relu(self.features(self.between(hidden)))
        found: Tensor = self.read(hidden.mean(1))
        return found
