"""What other range tests suggest, each with the ramp, smoothing and stop that it comes with."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Peer:
    """A rule and the ramp that it looks at.

    Attributes:
        name: The tool and its rule.
        start: First rate of the ramp.
        end: Last rate.
        suggest: From the rates and losses of the ramp, in 100 steps, to a rate.
    """

    name: str
    start: float
    end: float
    suggest: Callable[[Floats, Floats], float | None]


def debiased_mean(losses: Sequence[float], beta: float) -> Floats:
    """Exponential mean, divided by the weight that it has gathered."""
    mean, found = 0.0, []
    for i, loss in enumerate(losses):
        mean = beta * mean + (1 - beta) * loss
        found.append(mean / (1 - beta ** (i + 1)))
    return np.array(found)


def until(smoothed: Floats, factor: float) -> int:
    """Points up to the first that is above ``factor`` times the lowest before it."""
    best = math.inf
    for i, loss in enumerate(smoothed):
        best = min(best, loss)
        if loss > factor * best:
            return i + 1
    return len(smoothed)


def _fastai(lrs: Floats, losses: Floats) -> tuple[Floats, Floats]:
    smoothed = debiased_mean(losses.tolist(), 0.98)
    n = until(smoothed, 4.0)
    lrs, smoothed = lrs[:n][10:-5], smoothed[:n][10:-5]
    bad = np.flatnonzero(np.isnan(smoothed))
    return (lrs[: bad[0]], smoothed[: bad[0]]) if len(bad) else (lrs, smoothed)


def valley(lrs: Floats, losses: Floats) -> float | None:
    """fastai 2.8: the middle of the longest falling subsequence."""
    lrs, smoothed = _fastai(lrs, losses)
    if not len(lrs):
        return None
    length = [1] * len(lrs)
    end = start = 0
    for i in range(1, len(lrs)):
        for j in range(i):
            if smoothed[i] < smoothed[j]:
                length[i] = max(length[i], length[j] + 1)
        if length[i] > length[end]:
            end, start = i, i - length[i]
    third = (end - start) / 3
    return float(lrs[start + int(third) + int(third / 2)])


def minimum_over_ten(lrs: Floats, losses: Floats) -> float | None:
    """fastai 2.8: a tenth of the rate with the lowest smoothed loss."""
    lrs, smoothed = _fastai(lrs, losses)
    return float(lrs[np.argmin(smoothed)] / 10) if len(lrs) else None


def steepest_lr_finder(lrs: Floats, losses: Floats) -> float | None:
    """pytorch-lr-finder 0.2: the steepest fall per step."""
    smoothed = [float(losses[0])]
    for loss in losses[1:]:
        smoothed.append(0.05 * float(loss) + 0.95 * smoothed[-1])
        if not smoothed[-1] <= 5 * min(smoothed):
            break
    kept, rates = np.array(smoothed)[10:-5], lrs[: len(smoothed)][10:-5]
    return float(rates[np.argmin(np.gradient(kept))]) if len(kept) > 1 else None


def steepest_lightning(lrs: Floats, losses: Floats) -> float | None:
    """Lightning 2.6: the steepest fall over the rate itself."""
    smoothed = debiased_mean(losses.tolist(), 0.98)
    n = until(smoothed, 4.0)
    kept, rates = smoothed[:n][10:-1], lrs[:n][10:-1]
    finite = np.isfinite(kept)
    kept, rates = kept[finite], rates[finite]
    if len(kept) < 2:
        return None
    return float(rates[np.argmin(np.gradient(kept, rates))])


PEERS = (
    Peer("fastai valley", 1e-7, 10.0, valley),
    Peer("fastai minimum/10", 1e-7, 10.0, minimum_over_ten),
    Peer("pytorch-lr-finder steepest", 1e-7, 10.0, steepest_lr_finder),
    Peer("Lightning steepest", 1e-8, 1.0, steepest_lightning),
)
