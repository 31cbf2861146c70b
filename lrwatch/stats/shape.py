"""The shape of a run so far as a few numbers that no change of unit or zero of the loss alters."""

import math

from lrwatch.stats.blocks import COLUMNS
from lrwatch.stats.signals import Signals

MIN_BLOCKS = 16
_CHANGE_TO_STD = 0.8862269254527579
_LOSS, _EXCESS, _CHANGE, _CHANGE_SQ, _TURN, _RATE, _NORM, _NORM_N = range(8)
_ZERO, _NORM_CHANGE, _NORM_CHANGE_SQ, _TOGETHER, _OVER = range(8, len(COLUMNS))
_TINY = 1e-300


def shape(s: Signals) -> dict[str, float]:
    """The numbers that :mod:`lrwatch.detectors.scorecard` weighs; about 100 us.

    A number is NaN where the run has nothing to take it from, such as a gradient norm.
    """
    return {**_loss_shape(s), **_norm_shape(s)}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def _level_at(means: list[float], clock: list[float], share: float) -> float:
    i = next(k for k, t in enumerate(clock) if t >= share)
    return _mean(means[max(0, i - 1) : i + 2])


def _loss_shape(s: Signals) -> dict[str, float]:
    b = s.blocks
    n, length = len(b), b.length
    means = [x / length for x in b.sums[_LOSS]]
    noises = [_CHANGE_TO_STD * x / length for x in b.sums[_CHANGE]]
    quarter, early = n // 4, max(3, n // 8)
    noise, noise_now, noise_first = (
        _median(noises),
        _median(noises[-quarter:]),
        _median(noises[:early]),
    )
    tiny = 1e-9 * (abs(s.start) + s.peak - min(means)) + _TINY
    noise, noise_now, noise_first = noise + tiny, noise_now + tiny, noise_first + tiny
    n_first = max(3, min(8, s.n // 50))
    begin = _median(s.first[:n_first])
    now = _mean(means[-quarter:])
    best = min(0.5 * (p + q) for p, q in zip(means, means[1:], strict=False))
    drop = max(s.start - best, begin - best)
    total_rate = sum(b.sums[_RATE]) or 1.0
    clock, passed = [], 0.0
    for rate in b.sums[_RATE]:
        passed += rate
        clock.append(passed / total_rate)
    clock[-1] = 1.0
    thirds = [
        _mean([m for m, t in zip(means, clock, strict=True) if lo < t <= hi])
        for lo, hi in ((-1.0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 2.0))
    ]
    first, middle, last = thirds
    if first != first:
        first = means[0]
    if middle != middle:
        middle = 0.5 * (first + last)
    error = 1.5 * noise * math.sqrt(3.0 / (n * length))
    whole = abs(s.start - now) + 2.0 * error
    smooth = [_mean(means[max(0, i - 2) : i + 3]) for i in range(n)]
    rest = [m - q for m, q in zip(means[n // 3 :], smooth[n // 3 :], strict=True)]
    wander = math.sqrt(_mean([x * x for x in rest]))
    ups = sum(max(q - p, 0.0) for p, q in zip(means[1:], means[2:], strict=False))
    late_tops = b.tops[n // 3 :]
    late = _mean(means[n // 3 :])
    squares = sum(b.sums[_CHANGE_SQ][n // 3 :])
    found = {
        "drop": drop / noise,
        "above_start": (now - s.start) / noise_first,
        "above_begin": (now - begin) / noise_now,
        "given_back": (now - best) / (abs(drop) + 0.3 * noise),
        "trend": (first - last) / error,
        "late_share": (middle - last) / (abs(first - last) + 2.0 * error),
        "late_ratio": max(-5.0, min(5.0, (middle - last) / (first - middle)))
        if first > middle
        else math.copysign(5.0, middle - last),
        "noise_share": noise_now / (abs(begin - now) + noise_now),
        "noise_growth": math.log(noise_now / noise_first),
        "wander": math.log((wander + tiny) / (0.9 * noise_now / math.sqrt(length))),
        "ups": ups / (max(means) - min(means) + tiny),
        "tail": math.log((max(late_tops) - late + tiny) / noise_now),
        "bursts": sum(b.sums[_EXCESS][n // 3 :]) / ((n - n // 3) * length) / noise_now,
        "over_start": sum(b.sums[_OVER][n // 3 :]) / ((n - n // 3) * length),
        "peak": math.asinh((s.peak - s.start) / noise_first),
        "peak_in_drops": math.asinh((s.peak - s.start) / (max(drop, 0.0) + noise)),
        "turning": sum(b.sums[_TURN][n // 3 :]) / (squares + _TINY),
    }
    for share in (0.05, 0.1, 0.25, 0.5):
        found[f"done_at_{share}"] = (s.start - _level_at(means, clock, share)) / whole
    return found


def _norm_shape(s: Signals) -> dict[str, float]:
    b = s.blocks
    n = len(b)
    counts = b.sums[_NORM_N]
    if s.n_norm < 8 or not s.start_norm > 0.0:
        return dict.fromkeys(
            ("norm_now", "norm_peak", "norm_peak_level", "norm_trend", "norm_jitter",
             "norm_jitter_first", "norm_jitter_growth", "norm_zero", "norm_with_loss"),
            math.nan,
        )  # fmt: skip
    levels = [
        x / (c - z)
        for x, c, z in zip(b.sums[_NORM], counts, b.sums[_ZERO], strict=True)
        if c > z
    ]
    third, quarter = max(1, len(levels) // 3), max(1, len(levels) // 4)
    base = math.log(s.start_norm)
    jitter = sum(b.sums[_NORM_CHANGE][-n // 3 :]) / (sum(counts[-n // 3 :]) + _TINY)
    early = max(3, n // 8)
    jitter_first = sum(b.sums[_NORM_CHANGE][:early]) / (sum(counts[:early]) + _TINY)
    together = sum(b.sums[_TOGETHER][-n // 3 :])
    spread = sum(b.sums[_CHANGE_SQ][-n // 3 :]) * sum(b.sums[_NORM_CHANGE_SQ][-n // 3 :])
    return {
        "norm_now": _mean(levels[-quarter:]) - base,
        "norm_peak": math.log(s.norm_peak) - base,
        "norm_peak_level": max(levels) - base,
        "norm_trend": _mean(levels[-third:]) - _mean(levels[:third]),
        "norm_jitter": jitter,
        "norm_jitter_first": jitter_first,
        "norm_jitter_growth": math.log((jitter + 1e-3) / (jitter_first + 1e-3)),
        "norm_zero": sum(b.sums[_ZERO]) / (sum(counts) + _TINY),
        "norm_with_loss": together / (math.sqrt(spread) + _TINY),
    }
