"""A loss that rises in one step out of a calm run: what is learned has changed, not the rate."""

import math

from lrwatch.stats.recent import Recent
from lrwatch.stats.state import Stateful

_CALM = 24
_LASTS = 8
_KNOWN = 8
_USUAL_RISE = 0.7
_RATE_MEMORY = 16
_RAISED = 1.2


class Changes(Stateful):
    """Remembers the last rise that no update can have made, and how high it led.

    An update that is too large shows before the loss does: the gradient is unusual when it is made,
    the rate was raised, or the loss swings up over several steps. Where the loss was calm for 24
    steps, the last gradient norm usual and the rate no higher than of late, and the next loss and
    the seven after it stand above the band, the data, the task or the objective has changed: a
    harder lesson, augmentation, a new term of the loss, a head that was made anew.

    Attributes:
        level: Median of the first 8 losses after the last change; NaN before the first.
    """

    def __init__(self) -> None:
        self.level = math.nan
        self._n_calm = 0
        self._after: list[float] = []
        self._rate = math.nan
        self._usual_rate = math.nan

    def learn(self, loss: float, lr: float, outside: int, norms: Recent) -> None:
        """Take a step into account.

        Args:
            loss: The loss, finite.
            lr: The rate of the coming update; NaN if unknown.
            outside: Losses in a row above the expected band, this one included.
            norms: Logs of the gradient norms before this one.
        """
        if outside == 1:
            was_raised = self._rate > _RAISED * self._usual_rate
            is_news = self._n_calm >= _CALM and _is_usual(norms) and not was_raised
            self._after = [loss] if is_news else []
        elif outside and self._after:
            self._after.append(loss)
            if len(self._after) == _LASTS:
                self.level = sorted(self._after)[_LASTS // 2]
                self._after = []
        self._n_calm = 0 if outside else self._n_calm + 1
        if lr == lr:
            before = self._usual_rate
            self._usual_rate = before + (lr - before) / _RATE_MEMORY if before == before else lr
            self._rate = lr


def _is_usual(norms: Recent) -> bool:
    """Whether the last norm was no higher than those before it lead to expect."""
    if len(norms) < _KNOWN:
        return False
    return norms.values[-1] - norms.median <= max(_USUAL_RISE, 3.0 * norms.noise)
