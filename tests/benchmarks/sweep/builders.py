"""Builders of the tasks that more than one workload trains, and of those that need a few lines."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tests.benchmarks.sweep.generative import Contrastive, Denoising, Variational
from tests.benchmarks.sweep.images import glyphs, shapes
from tests.benchmarks.sweep.models import Attention, Recurrent, conv, dense
from tests.benchmarks.sweep.points import friedman, teacher
from tests.benchmarks.sweep.sequences import characters, reversals
from tests.benchmarks.sweep.task import Criterion, Supervised, Task

N_SAMPLES = 1024


def symbols(scores: Tensor, target: Tensor) -> Tensor:
    """Cross entropy of scores [n, steps, symbols] at every step."""
    return nn.functional.cross_entropy(scores.flatten(0, 1), target.flatten())


def supervised(
    data: Callable[[int, int], tuple[Tensor, Tensor]],
    model: Callable[[], nn.Module],
    criterion: Criterion,
    *,
    batch_size: int = 32,
    n_samples: int = N_SAMPLES,
) -> Callable[[int], Task]:
    """Builder of a supervised task."""

    def build(seed: int) -> Task:
        x, y = data(n_samples, seed)
        return Supervised(model(), x, y, criterion, batch_size=batch_size, seed=seed)

    return build


def last_characters(n_samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Six characters of the text and the one that follows."""
    x, y = characters(n_samples, seed, 6)
    return x, y[:, -1]


def windows(n_samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Windows of sixteen characters and what follows each."""
    return characters(n_samples, seed, 16)


def denoising(seed: int) -> Task:
    """A dense denoising autoencoder on glyphs."""
    x, _ = glyphs(N_SAMPLES, seed, noise=0.05)
    return Denoising(dense(144, 64, 16, 64, 144), x, batch_size=32, seed=seed)


def variational(seed: int) -> Task:
    """A small VAE on shapes."""
    x, _ = shapes(N_SAMPLES, seed, noise=0.05)
    model = nn.Sequential(dense(144, 48, 12), dense(6, 48, 144))
    return Variational(model, x, batch_size=32, seed=seed)


def contrastive(seed: int) -> Task:
    """Contrastive learning on glyphs."""
    x, _ = glyphs(N_SAMPLES, seed, noise=0.1)
    return Contrastive(dense(144, 48, 16), x, batch_size=32, seed=seed)


def autoencoder(seed: int) -> Task:
    """A dense autoencoder on shapes."""
    x, _ = shapes(N_SAMPLES, seed, noise=0.1)
    model = dense(144, 48, 8, 48, 144)
    return Supervised(model, x, x.flatten(1), MSE, batch_size=32, seed=seed)


def deep_tanh() -> nn.Module:
    """Eight hidden layers of tanh."""
    return dense(16, *[24] * 8, 5, activation=nn.Tanh)


def labels(n_samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """A teacher's five classes."""
    return teacher(n_samples, seed, 5)


MSE = torch.nn.functional.mse_loss
CE = torch.nn.functional.cross_entropy
GLYPH_MLP = supervised(glyphs, lambda: dense(144, 48, 10), CE)
GLYPH_CNN = supervised(glyphs, lambda: conv(10), CE)
GLYPH_BN = supervised(glyphs, lambda: conv(10, normalised=True), CE)
SHAPE_BN = supervised(shapes, lambda: conv(4, normalised=True), CE)
FRIEDMAN = supervised(friedman, lambda: dense(10, 32, 32, 1), MSE)
CHAR_GRU = supervised(
    windows, lambda: Recurrent(nn.GRU, 40, 40, width=32, symbols=True), symbols, batch_size=16
)
CHAR_LSTM = supervised(
    windows, lambda: Recurrent(nn.LSTM, 40, 40, width=32, symbols=True), symbols, batch_size=16
)
CHAR_ATTENTION = supervised(
    windows, lambda: Attention(40, 16, width=32, causal=True), symbols, batch_size=16
)
REVERSAL = supervised(reversals, lambda: Attention(12, 8, width=32, causal=False), symbols)
