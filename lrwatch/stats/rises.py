"""How far a loss is used to stand out: the highest rises of the younger half of a run."""

from lrwatch.stats.state import Stateful

N_BLOCKS = 64


class Rises(Stateful):
    """The highest value in each of at most 64 consecutive blocks; when full, neighbours merge.

    A few batches of another kind (a rare class, the few samples at the end of an epoch) rise above
    the others again and again. Medians and quartiles do not see them, so their heights are kept:
    what comes all the time is no news. Memory is constant, older rises are forgotten as the run
    goes on.

    Attributes:
        tops: Highest value of each full block, oldest first.
        highest: Highest value of the younger half; 0 before the first.
        typical: Median of the blocks of the younger half; 0 before the first.
    """

    def __init__(self) -> None:
        self.tops: list[float] = []
        self.highest = 0.0
        self.typical = 0.0
        self._length = 1
        self._open = 0.0
        self._n_open = 0

    def add(self, rise: float) -> None:
        """Take one value into account, >= 0."""
        if rise > self._open:
            self._open = rise
            if rise > self.highest:
                self.highest = rise
        self._n_open += 1
        if self._n_open < self._length:
            return
        tops = self.tops
        tops.append(self._open)
        self._open = 0.0
        self._n_open = 0
        if len(tops) == N_BLOCKS:
            tops[:] = map(max, tops[::2], tops[1::2])
            self._length *= 2
        younger = sorted(tops[len(tops) // 2 :])
        self.highest = younger[-1]
        self.typical = younger[len(younger) // 2]
