"""How closely loss and gradient norm go together, from the sums that the blocks of a run hold."""

import math

from lrwatch.stats.blocks import Blocks


def correlation(b: Blocks) -> float:
    """Correlation of loss and log norm over the younger half of the blocks, trends taken off.

    What the two do within the blocks is added to what the means of the blocks do beside their own
    straight lines. NaN with fewer than three blocks that hold norms; 0 where one of the two stands
    still. Between -1 and 1; no unit, zero or sign of the loss matters but its direction.
    """
    half = slice(len(b) // 2, None)
    names = ("norm_n", "fall", "norm", "fall_fall", "norm_norm", "fall_norm")
    rows = [row for row in zip(*(b.column(name)[half] for name in names), strict=True) if row[0]]
    if len(rows) < 3:
        return math.nan
    losses = _off_line([row[1] / row[0] for row in rows])
    norms = _off_line([row[2] / row[0] for row in rows])
    loss_loss = norm_norm = loss_norm = 0.0
    for (n, x, y, xx, yy, xy), p, q in zip(rows, losses, norms, strict=True):
        loss_loss += max(xx - x * x / n, 0.0) + n * p * p
        norm_norm += max(yy - y * y / n, 0.0) + n * q * q
        loss_norm += xy - x * y / n + n * p * q
    power = math.sqrt(loss_loss) * math.sqrt(norm_norm)
    return max(-1.0, min(1.0, loss_norm / power)) if power > 0.0 else 0.0


def _off_line(values: list[float]) -> list[float]:
    """What is left of values at equal distances without the straight line through them."""
    n = len(values)
    middle, mean = 0.5 * (n - 1), sum(values) / n
    slope = sum((i - middle) * v for i, v in enumerate(values)) / (n * (n * n - 1) / 12.0)
    return [v - mean - slope * (i - middle) for i, v in enumerate(values)]
