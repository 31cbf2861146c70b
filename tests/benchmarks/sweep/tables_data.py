"""Tables that come with scikit-learn or that it draws, and how a workload takes its samples."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# scikit-learn takes a second to import and only these workloads need it: each function does.

Table = tuple[NDArray[np.float32], NDArray[Any]]
Samples = Callable[[int, int], tuple[Tensor, Tensor]]
Named = Literal["breast_cancer", "diabetes", "wine"]


def classes(table: Callable[[], Table]) -> Samples:
    """Samples of the table with their class: [n, features] and [n]."""
    return drawn_from(table, lambda x, y: torch.from_numpy(y).long())


def values(table: Callable[[], Table]) -> Samples:
    """Samples of the table with their value, standardised: [n, features] and [n, 1]."""
    return drawn_from(table, lambda x, y: _standardised_value(torch.from_numpy(y)))


def themselves(table: Callable[[], Table]) -> Samples:
    """Samples of the table twice, as an autoencoder has them: [n, features] each."""
    return drawn_from(table, lambda x, y: x)


def digits() -> Table:
    """Scans of 1797 digits by E. Alpaydin and C. Kaynak, 8 x 8 pixels from 0 to 1."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x / 16).astype(np.float32), y


def measured(name: Named) -> Callable[[], Table]:
    """A table of measurements by its name, its columns standardised."""

    def table() -> Table:
        from sklearn import datasets

        load = getattr(datasets, f"load_{name}")
        x, y = load(return_X_y=True)
        x = x.astype(np.float32)
        return (x - x.mean(0)) / (x.std(0) + 1e-6), y

    return table


def iris() -> Table:
    """E. Anderson's and R. A. Fisher's 150 flowers, four columns, standardised."""
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32), y


def clusters() -> Table:
    """Six classes of two clusters each in 12 of 40 columns, a tenth of the labels wrong."""
    from sklearn.datasets import make_classification

    x, y = make_classification(
        2000,
        40,
        n_informative=12,
        n_classes=6,
        n_clusters_per_class=2,
        flip_y=0.1,
        random_state=3,
    )
    return x.astype(np.float32), y


def phases() -> Table:
    """J. H. Friedman's third regression of 1991: an angle from four columns of unequal range."""
    from sklearn.datasets import make_friedman3

    x, y = make_friedman3(1500, noise=0.1, random_state=1)
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32), y


def roll() -> Table:
    """Points of a rolled up sheet with noise, and how far along the sheet each is."""
    from sklearn.datasets import make_swiss_roll

    x, y = make_swiss_roll(1500, noise=0.3, random_state=2)
    return (x / 10).astype(np.float32), y


def circles() -> Table:
    """Two noisy circles, one inside the other."""
    from sklearn.datasets import make_circles

    x, y = make_circles(1200, noise=0.1, factor=0.5, random_state=2)
    return x.astype(np.float32), y


def sparse() -> Table:
    """A noisy linear law in four of twenty columns."""
    from sklearn.datasets import make_sparse_uncorrelated

    x, y = make_sparse_uncorrelated(1200, 20, random_state=2)
    return x.astype(np.float32), y


def drawn_from(
    table: Callable[[], Table], target: Callable[[Tensor, NDArray[Any]], Tensor]
) -> Samples:
    """Samples of the table with what ``target`` makes of features and values."""

    def draw(n_samples: int, seed: int) -> tuple[Tensor, Tensor]:
        features, wanted = table()
        x = torch.from_numpy(features)
        y = target(x, wanted)
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(x), generator=generator)[:n_samples]
        return x[chosen], y[chosen]

    return draw


def _standardised_value(y: Tensor) -> Tensor:
    return ((y - y.float().mean()) / y.float().std()).float().unsqueeze(1)
