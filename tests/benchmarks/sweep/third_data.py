"""Tables that scikit-learn draws for the third registry."""

import numpy as np
import torch

from tests.benchmarks.sweep.tables_data import Samples, Table, drawn_from


def many_labels() -> Samples:
    """Samples of 20 columns with the six labels each may have: [n, 20] and [n, 6]."""
    return drawn_from(_labelled, lambda x, y: torch.from_numpy(y))


def ball() -> Table:
    """J. Friedman, R. Tibshirani and T. Hastie's class: inside a ball of ten columns or not."""
    from sklearn.datasets import make_hastie_10_2

    x, y = make_hastie_10_2(1500, random_state=1)
    return x.astype(np.float32), (y > 0).astype(int)


def shells() -> Table:
    """Four classes, one around the other in five columns."""
    from sklearn.datasets import make_gaussian_quantiles

    x, y = make_gaussian_quantiles(n_samples=1500, n_features=5, n_classes=4, random_state=1)
    return x.astype(np.float32), y


def impedance() -> Table:
    """J. H. Friedman's second regression of 1991, with noise."""
    from sklearn.datasets import make_friedman2

    x, y = make_friedman2(1500, noise=20.0, random_state=1)
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32), y


def bent() -> Table:
    """Points of a sheet bent to an S with noise, and how far along the sheet each is."""
    from sklearn.datasets import make_s_curve

    x, y = make_s_curve(1500, noise=0.1, random_state=1)
    return x.astype(np.float32), y


def outliers() -> Table:
    """A linear law in ten of fifteen columns; one value in twenty is far off."""
    from sklearn.datasets import make_regression

    x, y = make_regression(1500, 15, n_informative=10, noise=5.0, random_state=1)
    rng = np.random.default_rng(0)
    off = (rng.random(len(y)) < 0.05) * rng.normal(size=len(y)) * 500
    return x.astype(np.float32), y + off


def overlapping() -> Table:
    """Ten clouds in eight columns that overlap."""
    from sklearn.datasets import make_blobs

    x, y = make_blobs(1500, 8, centers=10, cluster_std=3.0, random_state=1)
    return (x / 5).astype(np.float32), y


def _labelled() -> Table:
    from sklearn.datasets import make_multilabel_classification

    x, y = make_multilabel_classification(1500, 20, n_classes=6, random_state=1)
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32), y.astype(np.float32)
