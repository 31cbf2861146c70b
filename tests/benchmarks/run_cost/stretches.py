"""Times of steps in stretches with lrwatch and without, in turns by chance."""

import math
import random
import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

N_WARM = 100
N_STEPS = 24
KINDS = ("watched", "bare", "control")

Times = tuple[float, ...]
Round = dict[str, Times]


class Cost(NamedTuple):
    """A difference between two kinds of stretches, in seconds a step, and its standard error."""

    mean: float
    error: float


class Stretches:
    """Counts the steps of a training, and switches lrwatch at the ends of its stretches.

    A round is one stretch of each kind, in an order drawn anew: ``watched``, ``bare`` and
    ``control``, which is bare too: what it seems to cost tells what the method can resolve.

    Args:
        switch: Makes the switch, once warm.
        clocks: Seconds of each clock, now.
    """

    def __init__(
        self, switch: Callable[[], Callable[[bool], None]], clocks: Callable[[], Times]
    ) -> None:
        self._switch, self._clocks = switch, clocks
        self._turn: Callable[[bool], None] | None = None
        self._rng = random.Random(0)
        self._left: list[str] = []
        self._n = -N_WARM
        self._began: Times = ()
        self.rounds: list[Round] = []

    def step(self) -> None:
        """To be called at the start of every step."""
        now = self._clocks()
        self._n += 1
        if self._n < 0 or self._n % N_STEPS:
            return
        if self._left:
            pairs = zip(now, self._began, strict=True)
            self.rounds[-1][self._left.pop()] = tuple((a - b) / N_STEPS for a, b in pairs)
        if not self._left:
            self._left = self._rng.sample(KINDS, len(KINDS))
            self.rounds.append({})
        self._turn = self._turn or self._switch()
        self._turn(self._left[-1] == "watched")
        self._began = self._clocks()

    def end(self) -> None:
        """Put lrwatch back; the round that was not finished does not count."""
        if self._turn is not None:
            self._turn(True)
        self.rounds = [times for times in self.rounds if len(times) == len(KINDS)]


def added(rounds: Sequence[Round], kind: str, clock: int) -> Cost:
    """What a kind adds to bare steps by one of the clocks; the outer fifths are left out.

    The error is that of a trimmed mean, after Tukey and McLaughlin (1963).
    """
    others = [k for k in KINDS if k not in (kind, "watched")]
    own = sorted(
        times[kind][clock] - statistics.mean(times[k][clock] for k in others) for times in rounds
    )
    cut = len(own) // 5
    kept = own[cut : len(own) - cut]
    spread = statistics.stdev(min(max(x, kept[0]), kept[-1]) for x in own)
    return Cost(statistics.mean(kept), spread * math.sqrt(len(own)) / len(kept))
