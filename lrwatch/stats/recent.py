"""The last values of a stream: their median and their noise, not moved by a few outliers."""

from lrwatch.stats.state import Stateful

SIZE = 32
_MAD_TO_STD = 1.4826
_IQR_TO_STD = 0.7413
_SQRT_2 = 1.4142135623730951


class Recent(Stateful):
    """Median and noise of the last 32 finite values.

    The noise is the smaller of two robust estimates of the standard deviation, from the quartiles
    and from the differences of neighbours: a trend inflates the first, an alternation the second.

    Attributes:
        values: The values, oldest first.
        median: Their median at the last :meth:`refresh`; NaN before the first.
        noise: Their standard deviation then, >= 0.
    """

    def __init__(self) -> None:
        self.values: list[float] = []
        self.median = float("nan")
        self.noise = 0.0

    def __len__(self) -> int:
        return len(self.values)

    def push(self, value: float) -> None:
        """Append a finite value; the oldest falls out."""
        values = self.values
        values.append(value)
        if len(values) > SIZE:
            del values[0]

    def refresh(self) -> None:
        """Take the median and the noise anew; about 6 us."""
        values = self.values
        ordered = sorted(values)
        n = len(ordered)
        self.median = ordered[n // 2] if n % 2 else 0.5 * (ordered[n // 2 - 1] + ordered[n // 2])
        quarter = n // 4
        spread = _IQR_TO_STD * (ordered[n - 1 - quarter] - ordered[quarter])
        changes = sorted(map(abs, map(float.__sub__, values[1:], values)))
        jitter = _MAD_TO_STD / _SQRT_2 * changes[len(changes) // 2] if changes else 0.0
        self.noise = min(spread, jitter) or self._among_ties()

    def _among_ties(self) -> float:
        """Mean distance from the median of the values that differ from it; 0 if none does."""
        off = [abs(value - self.median) for value in self.values if value != self.median]
        return sum(off) / len(off) if off else 0.0
