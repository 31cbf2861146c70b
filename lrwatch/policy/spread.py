"""Mean and standard error of a few losses, and of the blocks of a long stretch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

MAX_BLOCKS = 48
ROW = 8


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its standard error."""

    value: float
    error: float

    def apart(self, other: "Mean") -> float:
        """Standard error of the difference of two means."""
        return math.hypot(self.error, other.error)


def mean_of(values: Sequence[float]) -> Mean:
    """Mean of at least two values, with the standard error that independent ones would have."""
    n = len(values)
    mean = sum(values) / n
    apart = (x - mean for x in values)
    variance = sum(d * d for d in apart) / (n - 1)  # infinite where ** would raise
    return Mean(mean, math.sqrt(variance / n))


class Stretch:
    """Means of equally long blocks of a stream, at most 48: neighbours merge when it is full.

    >>> stretch = Stretch()
    >>> for x in range(96): stretch.add(float(x))
    >>> stretch.part(0.25, 0.5).value
    35.5
    """

    def __init__(self) -> None:
        self.length = 1
        self.means: list[float] = []
        self._sum = 0.0
        self._n = 0
        self._lowest: list[float] = []

    def add(self, x: float) -> None:
        """Take one finite value into account."""
        self._sum += x
        self._n += 1
        if self._n < self.length:
            return
        self.means.append(self._sum / self._n)
        self._sum, self._n = 0.0, 0
        if len(self.means) == MAX_BLOCKS:
            pairs = zip(self.means[::2], self.means[1::2], strict=True)
            self.means = [(a + b) / 2 for a, b in pairs]
            self.length *= 2
            self._lowest = []

    def part(self, start: float, stop: float) -> Mean:
        """Mean of the blocks between two shares of the stretch; at least two blocks."""
        n = len(self.means)
        first = int(start * n)
        return mean_of(self.means[first : max(int(stop * n), first + 2)])

    def lowest(self, before: int = 0) -> float:
        """Lowest mean of about eight values in a row; infinite while there are fewer.

        Args:
            before: So many values, the last ones, are left out, >= 0.
        """
        width, lowest = max(1, ROW // self.length), self._lowest
        for i in range(len(lowest), len(self.means) - width + 1):
            row = sum(self.means[i : i + width]) / width
            lowest.append(min(row, lowest[-1]) if lowest else row)
        n = len(lowest) - math.ceil(max(before - self._n, 0) / self.length)
        return lowest[n - 1] if n > 0 else math.inf
