"""Losses with a known best rate, for a search that is driven without any training."""

import math
import random
from collections.abc import Callable

from lrwatch.range_test.finding import LrFinding
from lrwatch.range_test.search import Run, search
from lrwatch.range_test.settings import Settings

Losses = Callable[[Run], list[float]]


def quadratic(
    best: float,
    *,
    noise: float = 0.0,
    scale: float = 1.0,
    shift: float = 2.0,
) -> Losses:
    """Loss of runs that learn fastest at ``best`` and diverge above four times that.

    Every step brings the loss down by a share that is largest at ``best``; the noise is that of the
    batches, the same in every run.
    """

    def losses(run: Run) -> list[float]:
        rng = random.Random(0)
        value, found = 1.0, []
        for lr in run.lrs:
            found.append(shift + scale * (value + rng.gauss(0, noise)))
            ratio = lr / best
            value *= 1.0 - 0.2 * ratio * math.exp(1 - ratio) if ratio < 4 else 1.5
            if run.is_over(found):
                break
        return found

    return losses


def found(losses: Losses, settings: Settings | None = None, **how: bool) -> LrFinding:
    """What the search finds in these losses."""
    plan = search(settings or Settings(), **how)
    try:
        run = next(plan)
        while True:
            run = plan.send(tuple(losses(run)))
    except StopIteration as end:
        answer: LrFinding = end.value
        return answer
