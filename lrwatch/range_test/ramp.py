"""The curve of a range test: the loss over a rate that rises exponentially, and where it breaks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

_WIDTH_STEPS = 2.5
_N_LATEST = 5
_N_SIGMAS = 4.0
_MOST = 0.8
# Without noise, as with one batch for all steps, a loss jitters by its rounding.
_ROUNDING = 1e-3


def exponential(start: float, end: float, n: int) -> tuple[float, ...]:
    """``n`` rates with a constant ratio from one to the next.

    >>> [round(lr, 9) for lr in exponential(1.0, 100.0, 3)]
    [1.0, 10.0, 100.0]
    """
    ratio = math.log(end / start) / (n - 1)
    return (*(start * math.exp(ratio * i) for i in range(n - 1)), end)


@dataclass(frozen=True, slots=True)
class Ramp:
    """A ramp as far as it went, up to the last finite loss.

    Attributes:
        lrs: Rate of every step.
        losses: Loss before the step was made.
        smoothed: The losses without their noise.
        level: Loss of the weights left alone.
        noise: Standard deviation of the loss from batch to batch.
        broke_at: Rate at which the loss had left for good; None if it never did.
    """

    lrs: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    level: float
    noise: float
    broke_at: float | None

    @classmethod
    def of(
        cls,
        lrs: Sequence[float],
        losses: Sequence[float],
        alone: Sequence[float],
        *,
        paired: bool = True,
    ) -> Self:
        """The curve of these losses.

        Where both saw the same batches, their differences are smoothed: the noise that they share
        cancels, whatever the rate.

        Args:
            lrs: Rates of the whole ramp.
            losses: Its losses, fewer where it was over early.
            alone: Losses of weights left alone.
            paired: Whether ``alone`` saw the same batches, in the same order.
        """
        end = next((i for i, x in enumerate(losses) if not math.isfinite(x)), len(losses))
        level, noise = level_and_noise(alone)
        if paired:
            gone = smooth([a - b for a, b in zip(losses[:end], alone, strict=False)])
            smoothed = tuple(level + x for x in gone)
        else:
            smoothed = smooth(losses[:end])
        broke = bool(losses) and has_left(losses, alone, paired=paired)
        return cls(
            lrs=tuple(lrs[:end]),
            losses=tuple(losses[:end]),
            smoothed=smoothed,
            level=level,
            noise=noise,
            broke_at=lrs[len(losses) - 1] if broke else None,
        )

    @property
    def lowest(self) -> int:
        """Index of the lowest smoothed loss."""
        return min(range(len(self.smoothed)), key=self.smoothed.__getitem__)

    @property
    def fallen(self) -> int:
        """Index of the first step at which the smoothed loss has made most of its way down.

        The lowest point itself may lie far higher, where a net has collapsed to a constant.
        """
        return next(i for i, x in enumerate(self.smoothed) if x <= self._most_of_the_way)

    @property
    def fallen_last(self) -> int:
        """The same, but from the lowest point backwards: for a curve that still has its noise."""
        i = self.lowest
        while i > 0 and self.smoothed[i - 1] <= self._most_of_the_way:
            i -= 1
        return i

    @property
    def _most_of_the_way(self) -> float:
        lowest = self.smoothed[self.lowest]
        return max(self.level - _MOST * (self.level - lowest), lowest)


def smooth(losses: Sequence[float]) -> tuple[float, ...]:
    """Medians of three, then a mean with Gaussian weights of 2.5 steps to both sides.

    The median takes single outliers away. The weights look both ways, so that the curve is not
    moved towards higher rates, as the exponential mean of a usual range test moves it.
    """
    n = len(losses)
    kept = [median(losses[max(0, i - 1) : i + 2]) for i in range(n)]
    reach = math.ceil(3 * _WIDTH_STEPS)
    weights = [math.exp(-0.5 * (k / _WIDTH_STEPS) ** 2) for k in range(reach + 1)]
    found = []
    for i in range(n):
        near = range(max(0, i - reach), min(n, i + reach + 1))
        total = sum(weights[abs(i - j)] for j in near)
        found.append(sum(weights[abs(i - j)] * kept[j] for j in near) / total)
    return tuple(found)


def has_left(losses: Sequence[float], alone: Sequence[float], *, paired: bool = True) -> bool:
    """Whether a ramp is over: the loss rose above its level by more than it ever fell below it.

    Medians of five steps are compared, and the rise must be above four times the noise, so that
    one odd batch ends nothing, and above a thousandth of the level.
    """
    if not math.isfinite(losses[-1]):
        return True
    if len(losses) < _N_LATEST:
        return False
    level, noise = level_and_noise(alone)
    scale = abs(level)
    if paired:
        losses, level = [a - b for a, b in zip(losses, alone, strict=False)], 0.0
    medians = [median(losses[i - _N_LATEST : i]) for i in range(_N_LATEST, len(losses) + 1)]
    fallen = max(level - min(medians), 0.0)
    return medians[-1] - level > max(_N_SIGMAS * noise, fallen, _ROUNDING * scale)


def level_and_noise(alone: Sequence[float]) -> tuple[float, float]:
    """Median and spread of the losses of weights left alone; the spread as the MAD tells it."""
    if not alone:
        return math.nan, 0.0
    level = median(alone)
    return level, 1.4826 * median(abs(x - level) for x in alone)
