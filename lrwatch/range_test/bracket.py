"""Which rate to try next, until the best of the short trainings has a worse one on either side."""

import math
from collections.abc import Sequence

from lrwatch.range_test.trial import Trial

_STEP = math.sqrt(10)
_FINE = 10**0.3
_FAR, _NEARLY = 10.0, 0.7


def next_lr(trials: Sequence[Trial], centre: float) -> float | None:
    """The rate of the next trial; None where the best is enclosed by near neighbours.

    From the centre outwards by half a decade to the better side, by a whole one from the fourth
    trial on; then between the best and its neighbours, down to a quarter of a decade; at last once
    far above, where a second peak may be. While nothing but noise is seen the rate is too low to do
    anything, so that it goes up.
    """
    if not trials:
        return centre
    ordered = by_lr(trials)
    i = best_index(ordered)
    step = _STEP if len(trials) < 4 else _STEP**2
    top = ordered[-1]
    if math.isfinite(top.gain) and (ordered[i] is top or not (ordered[i].is_sure or top.is_lost)):
        return top.lr * step
    if i == 0 and len(trials) > 2 and not any(t.is_sure or t.is_lost for t in ordered[:2]):
        return None  # a lower rate would do even less
    if i == 0:
        return ordered[i].lr / step
    above = ordered[i + 1].lr / ordered[i].lr
    below = ordered[i].lr / ordered[i - 1].lr
    if max(above, below) <= _FINE:
        return None if top.lr >= _FAR * ordered[i].lr else _FAR * ordered[i].lr
    if above >= below:
        return ordered[i].lr * math.sqrt(above)
    return ordered[i].lr / math.sqrt(below)


def by_lr(trials: Sequence[Trial]) -> list[Trial]:
    """The trials by rising rate."""
    return sorted(trials, key=lambda trial: trial.lr)


def best_index(ordered: Sequence[Trial]) -> int:
    """Index of the trial that gained most, the lowest rate where several did."""
    return max(range(len(ordered)), key=lambda i: (ordered[i].gain, -i))


def is_enclosed(trials: Sequence[Trial]) -> bool:
    """Whether a lower and a higher rate than the best one were tried."""
    return 0 < best_index(by_lr(trials)) < len(trials) - 1


def highest_alike(trials: Sequence[Trial]) -> float:
    """The highest rate that gained nearly as much as the best one."""
    ordered = by_lr(trials)
    wanted = _NEARLY * ordered[best_index(ordered)].gain
    return max(trial.lr for trial in ordered if trial.gain >= wanted)


def is_flat(trials: Sequence[Trial]) -> bool:
    """Whether a rate far above the best one gained nearly as much.

    Then all of them have learnt what is easy, such as the mean of the targets, and none what takes
    longer: which of them is the fastest, these trials do not tell.
    """
    ordered = by_lr(trials)
    return highest_alike(trials) >= _FAR * ordered[best_index(ordered)].lr


def peak(trials: Sequence[Trial]) -> float:
    """Rate at the vertex of the parabola through the best trial and its neighbours, in log rate.

    It stays within half of the way to either neighbour. Where one of them broke off, or is missing,
    it is the best trial's own rate.
    """
    ordered = by_lr(trials)
    i = best_index(ordered)
    if not 0 < i < len(ordered) - 1:
        return ordered[i].lr
    x = [math.log(trial.lr) for trial in ordered[i - 1 : i + 2]]
    y = [trial.gain for trial in ordered[i - 1 : i + 2]]
    if not all(map(math.isfinite, y)):
        return ordered[i].lr
    left, right = x[1] - x[0], x[2] - x[1]
    rise, fall = (y[1] - y[0]) / left, (y[1] - y[2]) / right
    if rise + fall <= 0:
        return ordered[i].lr
    # where the slope, linear between the middles of both sides, is zero
    vertex = x[1] - left / 2 + (left + right) / 2 * rise / (rise + fall)
    return math.exp(min(max(vertex, x[1] - left / 2), x[1] + right / 2))


def lowest_with(share: float, trials: Sequence[Trial]) -> float:
    """The lowest rate that gains this share of the best gain, between trials by the log rate.

    Args:
        share: In (0, 1).
        trials: The best of them has a gain above 0.
    """
    ordered = by_lr(trials)
    i = best_index(ordered)
    wanted = share * ordered[i].gain
    while i > 0 and ordered[i - 1].gain >= wanted:
        i -= 1
    if i == 0 or not math.isfinite(ordered[i - 1].gain):
        return ordered[i].lr
    low, high = ordered[i - 1], ordered[i]
    part = (wanted - low.gain) / (high.gain - low.gain)
    return low.lr * math.exp(part * math.log(high.lr / low.lr))
