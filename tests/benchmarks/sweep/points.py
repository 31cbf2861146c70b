"""Points, tables and sets drawn from known laws, for dense nets and regressions."""

import math

import torch
from torch import Tensor, nn


def moons(n_samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Two interleaved half circles with noise: [n, 2] and labels [n]."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (n_samples,), generator=generator)
    angle = math.pi * torch.rand(n_samples, generator=generator)
    side = 1 - 2 * labels
    x = torch.stack([torch.cos(angle) * side + labels, torch.sin(angle) * side + 0.5 * labels], 1)
    return x + 0.15 * torch.randn(x.shape, generator=generator), labels


def spirals(n_samples: int, seed: int, arms: int = 3) -> tuple[Tensor, Tensor]:
    """Arms of a spiral with noise: [n, 2] and labels [n]."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(arms, (n_samples,), generator=generator)
    radius = torch.rand(n_samples, generator=generator).sqrt()
    angle = 4 * radius + 2 * math.pi * labels / arms
    angle = angle + 0.2 * torch.randn(n_samples, generator=generator)
    return 2 * radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1), labels


def blobs(n_samples: int, seed: int, n_features: int = 20) -> tuple[Tensor, Tensor]:
    """Four overlapping Gaussians with features of unequal spread: [n, features], labels [n]."""
    generator = torch.Generator().manual_seed(seed)
    centres = 0.7 * torch.randn(4, n_features, generator=generator)
    labels = torch.randint(4, (n_samples,), generator=generator)
    x = centres[labels] + torch.randn(n_samples, n_features, generator=generator)
    return x * torch.logspace(-0.5, 0.5, n_features), labels


def friedman(n_samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """J. H. Friedman's regression of 1991 (five of ten inputs count), standardised: y is [n, 1]."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n_samples, 10, generator=generator)
    y = 10 * torch.sin(math.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    y = y + 10 * x[:, 3] + 5 * x[:, 4] + torch.randn(n_samples, generator=generator)
    return 3.4 * (x - 0.5), ((y - y.mean()) / y.std()).unsqueeze(1)


def linear(n_samples: int, seed: int, n_features: int = 30) -> tuple[Tensor, Tensor]:
    """A linear law with noise and features of unequal spread, in thousands: y is [n, 1]."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n_samples, n_features, generator=generator) * torch.logspace(
        -0.5, 0.2, n_features
    )
    weights = torch.randn(n_features, 1, generator=generator)
    y = x @ weights + 0.5 * torch.randn(n_samples, 1, generator=generator)
    return x, 1000 * y


def teacher(n_samples: int, seed: int, n_classes: int = 0) -> tuple[Tensor, Tensor]:
    """What a fixed random net says about Gaussian inputs [n, 16]: values [n, 4] or labels [n]."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n_samples, 16, generator=generator)
    hidden = torch.tanh(x @ torch.randn(16, 12, generator=generator) / 2)
    y = hidden @ torch.randn(12, n_classes or 4, generator=generator)
    if n_classes:
        return x, y.argmax(1)
    return x, y + 0.1 * torch.randn(y.shape, generator=generator)


def point_sets(n_samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Sets of 12 points with the spread that they were drawn with: [n, 12, 3] and y [n, 1]."""
    generator = torch.Generator().manual_seed(seed)
    spread = 0.3 + 1.2 * torch.rand(n_samples, 1, 1, generator=generator)
    x = spread * torch.randn(n_samples, 12, 3, generator=generator)
    x = x + torch.randn(n_samples, 1, 3, generator=generator)
    return x, (spread[:, 0] - 0.9) / 0.35


def ratings(n_samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Entries of a noisy matrix of rank 4: pairs of indices [n, 2] and values [n]."""
    generator = torch.Generator().manual_seed(seed)
    left, right = torch.randn(2, 60, 4, generator=generator)
    pairs = torch.randint(60, (n_samples, 2), generator=generator)
    y = (left[pairs[:, 0]] * right[pairs[:, 1]]).sum(1)
    return pairs, y + 0.2 * torch.randn(n_samples, generator=generator)


class DeepSet(nn.Module):
    """A net over sets: each point is embedded, the mean is read out."""

    def __init__(self, n_features: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(
            nn.Linear(n_features, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        self.read = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Sets [n, points, features] to one value each, [n, 1]."""
        found: Tensor = self.read(self.embed(x).mean(1))
        return found


class Factors(nn.Module):
    """A matrix as the product of two thin ones."""

    def __init__(self, size: int, rank: int) -> None:
        super().__init__()
        self.left, self.right = nn.Embedding(size, rank), nn.Embedding(size, rank)
        for part in (self.left, self.right):
            nn.init.normal_(part.weight, std=0.3)

    def forward(self, pairs: Tensor) -> Tensor:
        """Pairs of indices [n, 2] to the entries [n]."""
        found: Tensor = (self.left(pairs[:, 0]) * self.right(pairs[:, 1])).sum(1)
        return found
