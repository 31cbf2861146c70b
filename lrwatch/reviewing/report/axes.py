"""Axes: from numbers to places in a picture, with ticks at round numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrwatch.reviewing.report.curves import Curve

_LOG_FROM = 10.0
_ROUND = (1.0, 2.0, 5.0, 10.0)
_FAR = 4.0


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from ``low`` to ``high``.

    Attributes:
        low: Number at the start.
        high: Number at the end, above ``low``.
        is_log: Whether equal ratios are equally long.
    """

    low: float
    high: float
    is_log: bool = False

    def share(self, x: float) -> float:
        """Where a number lies, 0 at the start and 1 at the end; what lies outside, at the edge."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        at = self._scaled(max(x, self.low)) if self.is_log else x
        return min(max((at - low) / (high - low), 0.0), 1.0)

    def ticks(self, n: int) -> list[float]:
        """About ``n`` round numbers."""
        if self.is_log:
            found = self._decades(n)
            if len(found) >= 2:
                return found
        size = (self.high - self.low) / n
        power = 10.0 ** math.floor(math.log10(size))
        step = next(power * r for r in _ROUND if power * r >= size * (1 - 1e-9))
        first = math.ceil(self.low / step - 1e-9)
        ticks = [
            step * i for i in range(first, first + 2 * n) if step * i <= self.high + 1e-9 * step
        ]
        return [0.0 if abs(x) < 1e-9 * step else x for x in ticks]

    def _decades(self, n: int) -> list[float]:
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        every = max(1, math.ceil((last - first + 1) / n))
        return [10.0**power for power in range(first, last + 1, every)]

    def _scaled(self, x: float) -> float:
        return math.log10(x) if self.is_log else x


def may_be_log(name: str, curves: Sequence[Curve]) -> bool:
    """Whether a quantity is best seen on a logarithmic axis: a rate only where it was scaled."""
    return name != "learning rate" or any(curve.is_applied for curve in curves)


def axis_of(curves: Sequence[Curve], *, may_be_log: bool = True) -> Axis:
    """An axis that shows the curves.

    It is logarithmic where positive values span more than a factor of ten. On one that is not, a
    few values far outside of the others do not count: they are drawn at the edge.
    """
    lows = np.concatenate([curve.low for curve in curves])
    highs = np.concatenate([curve.high for curve in curves])
    low, high = float(lows.min()), float(highs.max())
    if may_be_log and low > 0 and high > _LOG_FROM * low:
        return Axis(low / 1.1, high * 1.1, is_log=True)
    inner_low, inner_high = (float(x) for x in np.percentile(np.append(lows, highs), (2, 98)))
    spread = max(inner_high - inner_low, 1e-12 * max(abs(low), abs(high)), 1e-300)
    low, high = max(low, inner_low - _FAR * spread), min(high, inner_high + _FAR * spread)
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return Axis(0.0 if 0 <= low < margin else low - margin, high + margin)
