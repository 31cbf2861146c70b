"""Logistic regression on steps of each number, with a ridge: what the points of a card are."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from lrwatch.detectors.scorecard import NUMBERS, Scorecard

Floats = NDArray[np.float64]

CUTS = 7
RIDGE = 1.7
_WEIGHT_OF_VIEW = 0.4


def cuts(values: Floats, parts: int = CUTS) -> tuple[float, ...]:
    """Quantiles of the finite values, three digits long."""
    inner = np.nanquantile(values[np.isfinite(values)], np.linspace(0, 1, parts + 1)[1:-1])
    return tuple(sorted({float(f"{x:.3g}") for x in inner}))


def weights(looks: pd.DataFrame) -> Floats:
    """Each run counts alike, however often it was looked at; other views of it count less."""
    per_run = 1.0 / looks.groupby(["name", "seed", "mult", "view"]).n.transform("count")
    view = np.where(looks["view"] == "whole", 1.0, _WEIGHT_OF_VIEW)
    healthy = np.where(looks.truth == "healthy", 1.3, 1.0)
    return np.asarray(10.0 * per_run * view * healthy, dtype=np.float64)


def _over(looks: pd.DataFrame, edges: dict[str, tuple[float, ...]]) -> Floats:
    columns = [looks[name].to_numpy() > edge for name, at in edges.items() for edge in at]
    return np.stack([np.ones(len(looks)), *columns], axis=1).astype(np.float64)


def fit(looks: pd.DataFrame) -> Scorecard:
    """The card that parts rates too low from all others best, by penalised likelihood.

    Reference: S. le Cessie and J. van Houwelingen, "Ridge Estimators in Logistic Regression",
    1992.
    """
    edges = {name: cuts(looks[name].to_numpy()) for name in NUMBERS}
    x, w = _over(looks, edges), weights(looks)
    sign = np.where(looks.truth == "too_low", 1.0, -1.0)

    def loss(beta: Floats) -> tuple[float, Floats]:
        margin = sign * (x @ beta)
        pull = -sign * w / (1.0 + np.exp(np.clip(margin, -60.0, 60.0)))
        ridge = np.concatenate([[0.0], RIDGE * beta[1:]])
        value = float(w @ np.logaddexp(0.0, -margin) + 0.5 * ridge @ beta)
        return value, x.T @ pull + ridge

    found = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    points = iter(found[1:].round(2).tolist())
    return Scorecard(
        bias=round(float(found[0]), 2),
        points={name: tuple((edge, next(points)) for edge in at) for name, at in edges.items()},
    )
