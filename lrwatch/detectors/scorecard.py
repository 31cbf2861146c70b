"""A scorecard: points for what is seen, added up to the odds of a verdict."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lrwatch.stats.shape import Shape

NUMBERS = (
    "gain",
    "drop",
    "above_first",
    "trend",
    "late_ratio",
    "given_back",
    "early",
    "steepest",
    "noise_growth",
    "peak",
    "norm_peak",
    "norm_level",
    "norm_now",
    "norm_trend",
    "norm_jitter",
    "tied",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """Log odds as ``bias`` plus the points of every limit that a number of the run is above.

    An additive logistic model, in which each number of the shape counts by a step function of its
    own; nothing is said about how numbers work together. NaN is above no limit.

    Args:
        bias: Log odds of a run that is above no limit.
        points: For each number of the shape, by name: limits with the points for being above.

    Reference: L. Thomas, "A survey of credit and behavioural scoring", 2000.
    """

    bias: float
    points: Mapping[str, tuple[tuple[float, float], ...]]

    def probability(self, seen: Shape) -> float:
        """Probability of the verdict for a run of this shape, 0 to 1."""
        odds = self.bias
        for name, steps in self.points.items():
            value = getattr(seen, name)
            for limit, points in steps:
                if value > limit:
                    odds += points
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, odds))))
