"""A series: one quantity of a run of any length, in so much memory that a screen can show it."""

import math

_N_BINS = 512


class Series:
    """Means of equally many values each, and the extremes of all.

    Where 512 means are full, neighbours are put together. Values that are not finite are counted
    and marked, and enter neither means nor extremes.

    Attributes:
        last: The last value, finite or not; None before the first.
        low: The least finite value.
        high: The greatest finite value.
        n_bad: How many values were not finite.
    """

    def __init__(self) -> None:
        self.last: float | None = None
        self.low, self.high = math.inf, -math.inf
        self.n_bad = 0
        self._bins: list[tuple[float, int, bool]] = []
        self._size = 1
        self._sum, self._n, self._n_seen, self._is_bad = 0.0, 0, 0, False

    def add(self, value: float) -> None:
        """Take the next value."""
        self.last = value
        self._n_seen += 1
        if math.isfinite(value):
            self.low, self.high = min(self.low, value), max(self.high, value)
            self._sum += value
            self._n += 1
        else:
            self.n_bad += 1
            self._is_bad = True
        if self._n_seen == self._size:
            self._bins.append((self._sum, self._n, self._is_bad))
            self._sum, self._n, self._n_seen, self._is_bad = 0.0, 0, 0, False
            if len(self._bins) == 2 * _N_BINS:
                self._bins = _merged(self._bins, 2)
                self._size *= 2

    def cells(self, width: int) -> list[float | None]:
        """At most ``width`` means, from the first value to the last; NaN where one is not finite.

        None stands where nothing was logged.
        """
        bins = [*self._bins, (self._sum, self._n, self._is_bad)] if self._n_seen else self._bins
        bins = _merged(bins, -(-len(bins) // max(width, 1)))
        return [_mean(total, n, is_bad) for total, n, is_bad in bins]


def _merged(bins: list[tuple[float, int, bool]], size: int) -> list[tuple[float, int, bool]]:
    parts = [bins[i : i + size] for i in range(0, len(bins), max(size, 1))]
    return [
        (sum(b[0] for b in part), sum(b[1] for b in part), any(b[2] for b in part))
        for part in parts
    ]


def _mean(total: float, n: int, is_bad: bool) -> float | None:
    if is_bad:
        return math.nan
    return total / n if n else None
