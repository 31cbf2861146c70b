"""The shape of a run so far, in numbers that no change of unit or zero of the loss alters."""

import math
from dataclasses import dataclass
from itertools import pairwise

from lrwatch.stats.blocks import Blocks
from lrwatch.stats.correlation import correlation
from lrwatch.stats.signals import Signals

MIN_BLOCKS = 16
_CHANGE_TO_STD = 0.8862269254527579
_LOSS, _EXCESS, _CHANGE, _RATE, _NORM, _NORM_N, _OVER = range(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A run in a dozen numbers; those of the gradient norm are NaN where it was not reported.

    "Noise" is the standard deviation of the loss between neighbouring steps, from the mean
    absolute difference, as a median over blocks. "Now" is the last quarter of the run. The clock
    is the sum of the learning rates, so that a warm-up does not look like slow progress.

    Attributes:
        gain: Fall of the loss from its start until now, in units of the noise now.
        drop: Fall of the loss from its start to its best, in units of the median noise.
        above_start: Rise of the loss now over its very first value, in units of the first noise.
        above_first: The same over the median of the first losses, in units of the noise now.
        given_back: Part of the fall from start to best that was lost again.
        trend: Mean of the first third of the run less that of the last, in standard errors.
        late_ratio: Progress from the second to the last third over that from first to second.
        peak: Highest loss above the start, in units of the first noise.
        leap: The same, in units of the median noise, which a leap does not raise.
        noise_growth: Mean noise of the last quarter over that of the first.
        bursts: Mean excess of the loss over its band, in units of the noise now.
        left: Part of the fall from start to best that the mean of the last third has left, with
            all its excess over the band: 1 where nothing was lost, below 0 where it is higher.
        left_from_first: The same from the median of the first losses, where that is higher.
        over_start: Share of losses above the first ones, in the middle or last third of the run,
            whichever has fewer.
        norm_peak: Log of the highest norm over the first.
        norm_level: Log of the highest block mean of the norm over the first norm.
        norm_trend: Change of the log norm from the first to the last third.
        norm_now: Log of the norm now over the first.
        norm_jitter: Standard deviation of the log norm over the last steps.
        tied: Correlation of loss and log norm over the younger half of the run, both without their
            straight trend: near 1 where the batch alone decides about both.
        early: Part of the fall until now that was done by the second tenth of the run.
        steepest: Largest fall from a block to the one a sixteenth of the run later, as a part of
            the fall from the first block until now; infinite where there was none.
        rate_now: Learning rate now over its highest so far.
    """

    gain: float
    drop: float
    above_start: float
    above_first: float
    given_back: float
    trend: float
    late_ratio: float
    peak: float
    leap: float
    noise_growth: float
    bursts: float
    left: float
    left_from_first: float
    over_start: float
    norm_peak: float
    norm_level: float
    norm_trend: float
    norm_now: float
    norm_jitter: float
    tied: float
    early: float
    steepest: float
    rate_now: float


def shape(s: Signals) -> Shape | None:
    """The shape of the run so far; None before 16 blocks. About 60 us."""
    if len(s.blocks) < MIN_BLOCKS:
        return None
    if s.looked_at[0] != s.n:
        s.looked_at = (s.n, _look(s))
    found = s.looked_at[1]
    return found if isinstance(found, Shape) else None


def has_none(s: Signals) -> bool:
    """Whether the loss was the same number all the time, as one divided by its own value is."""
    return s.peak == s.best


def _look(s: Signals) -> Shape:
    return Shape(
        **_loss_shape(s), **_norm_shape(s), rate_now=s.lr / s.lr_peak if s.lr_peak > 0.0 else 1.0
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def _thirds(s: Signals, means: list[float]) -> tuple[float, float, float]:
    """Mean loss of the three thirds of the run, by the clock of summed rates."""
    rates = s.blocks.sums[_RATE]
    whole = sum(rates)
    parts: list[list[float]] = [[], [], []]
    passed = 0.0
    for mean, rate in zip(means, rates, strict=True):
        passed += rate
        share = passed / whole if 0.0 < whole < math.inf else 1.0
        parts[min(2, max(0, math.ceil(3.0 * share - 1e-9) - 1))].append(mean)
    last = _mean(parts[2])
    first = _mean(parts[0]) if parts[0] else means[0]
    return first, _mean(parts[1]) if parts[1] else 0.5 * (first + last), last


def _ratio(late: float, early: float) -> float:
    """Late progress over early progress, infinite by the sign of the late where there was none."""
    if early > 0.0:
        return late / early
    return math.inf if late > 0.0 else -math.inf


def _loss_shape(s: Signals) -> dict[str, float]:
    b = s.blocks
    n, means = len(b), b.means()
    tiny = 1e-9 * (s.peak - min(means)) + 1e-300
    noises = [_CHANGE_TO_STD * x / b.length for x in b.sums[_CHANGE]]
    noise = _median(noises) + tiny
    noise_now = _median(noises[-(n // 4) :]) + tiny
    noise_first = _median(noises[: max(3, n // 8)]) + tiny
    begin = _median(s.first[: max(3, min(8, s.n // 50))])
    now = _mean(means[-(n // 4) :])
    return {
        **_progress(s, means, begin, now, noise),
        **_bursts(b, noise_now),
        "left": _left(s, means, s.start),
        "left_from_first": _left(s, means, max(s.start, begin)),
        "gain": (s.start - now) / noise_now,
        "above_start": (now - s.start) / noise_first,
        "above_first": (now - begin) / noise_now,
        "peak": (s.peak - s.start) / noise_first,
        "leap": (s.peak - s.start) / noise,
        "noise_growth": _mean(noises[-(n // 4) :]) / (_mean(noises[: n // 4]) + tiny),
    }


def _progress(
    s: Signals, means: list[float], begin: float, now: float, noise: float
) -> dict[str, float]:
    n = len(means)
    best = min(0.5 * (p + q) for p, q in pairwise(means))
    fall = max(s.start - best, begin - best)
    end = min(now, 0.5 * (means[-1] + means[-2]))
    first, middle, last = _thirds(s, means)
    error = 1.5 * noise * math.sqrt(3.0 / (n * s.blocks.length))
    tenth = max(1, n // 10)
    level = max(begin, means[0]) if s.n >= 64 else begin
    return {
        "drop": fall / noise,
        "given_back": (end - best) / (abs(fall) + 0.3 * noise),
        "trend": (first - last) / error,
        "late_ratio": _ratio(middle - last, first - middle),
        "early": (level - _mean(means[tenth : 2 * tenth])) / (abs(level - now) + 2.0 * error),
        "steepest": _steepest(means),
    }


def _steepest(means: list[float]) -> float:
    n = len(means)
    fall = means[0] - _mean(means[-(n // 8) :])
    steps = zip(means, means[n // 16 :], strict=False)
    return max(a - b for a, b in steps) / fall if fall > 0.0 else math.inf


def _bursts(b: Blocks, noise_now: float) -> dict[str, float]:
    n = len(b)
    late = slice(n // 3, None)
    middle, last = slice(n // 3, 2 * n // 3), slice(2 * n // 3, None)
    over = [sum(b.sums[_OVER][part]) / len(b.sums[_OVER][part]) for part in (middle, last)]
    return {
        "bursts": sum(b.sums[_EXCESS][late]) / ((n - n // 3) * b.length) / noise_now,
        "over_start": min(over) / b.length,
    }


def _left(s: Signals, means: list[float], begin: float) -> float:
    b, last = s.blocks, slice(2 * len(means) // 3, None)
    mean = _mean(means[last]) + _mean(b.sums[_EXCESS][last]) / b.length
    best = min(0.5 * (p + q) for p, q in pairwise(means))
    return (begin - mean) / (begin - best) if best < begin else -math.inf


def _norm_shape(s: Signals) -> dict[str, float]:
    b = s.blocks
    counts = b.sums[_NORM_N]
    levels = [x / c for x, c in zip(b.sums[_NORM], counts, strict=True) if c]
    if len(levels) < 8 or not s.start_norm > 0.0:
        return dict.fromkeys(
            ("norm_peak", "norm_level", "norm_trend", "norm_now", "norm_jitter", "tied"), math.nan
        )
    third, quarter = len(levels) // 3, len(levels) // 4
    return {
        "norm_peak": math.log(s.norm_peak) - math.log(s.start_norm),
        "norm_level": max(levels),
        "norm_trend": _mean(levels[-third:]) - _mean(levels[:third]),
        "norm_now": _mean(levels[-quarter:]),
        "norm_jitter": s.norms.noise,
        "tied": correlation(b),
    }
