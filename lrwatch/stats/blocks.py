"""The whole run in a few dozen blocks of equal length: its shape, at constant memory."""

from lrwatch.stats.state import Stateful

N_BLOCKS = 64
COLUMNS = (
    "loss",
    "excess",
    "change",
    "rate",
    "norm",
    "norm_n",
    "over",
    "fall",
    "fall_fall",
    "norm_norm",
    "fall_norm",
)
N_COLUMNS = len(COLUMNS)
_MEAN_CHANGE_TO_STD = 0.8862269254527579


class Blocks(Stateful):
    """Sums over at most 64 consecutive blocks of a run; when full, neighbours are merged.

    A block starts as one value long; each merge doubles that. Every block holds plain sums, one
    per column, so that merging is exact: ``loss`` (clipped to the expected band), ``excess`` (what
    was clipped off), ``change`` (absolute difference to the loss before), ``rate``, ``norm`` (log
    gradient norm over the first), ``norm_n`` (how many norms), ``over`` (losses above the start);
    and where there is a norm, ``fall`` (loss less the first) and the squares and the product of
    the two, for their correlation.

    Attributes:
        length: Values in a full block, a power of 2.
        sums: One list per column, oldest block first.
    """

    def __init__(self) -> None:
        self.length = 1
        self.sums: list[list[float]] = [[] for _ in COLUMNS]
        self._open = [0.0] * N_COLUMNS
        self._n_open = 0

    def __len__(self) -> int:
        return len(self.sums[0])

    def add(
        self,
        loss: float,
        excess: float,
        change: float,
        rate: float,
        norm: float,
        norm_n: int,
        over: int,
        fall: float,
    ) -> None:
        """Take one step's columns into account; ``norm`` and ``fall`` are 0 where ``norm_n`` is."""
        o = self._open
        o[0] += loss
        o[1] += excess
        o[2] += change
        o[3] += rate
        o[4] += norm
        o[5] += norm_n
        o[6] += over
        o[7] += fall
        o[8] += fall * fall
        o[9] += norm * norm
        o[10] += fall * norm
        self._n_open += 1
        if self._n_open < self.length:
            return
        for column, value in zip(self.sums, o, strict=True):
            column.append(value)
        self._open = [0.0] * N_COLUMNS
        self._n_open = 0
        if len(self) == N_BLOCKS:
            self._merge()

    def means(self) -> list[float]:
        """Mean loss of each block, oldest first."""
        return [total / self.length for total in self.sums[0]]

    def column(self, name: str) -> list[float]:
        """Sums of one column, oldest block first."""
        return self.sums[COLUMNS.index(name)]

    def rate_of_halves(self) -> float:
        """Summed rate of the first half over that of the second; 1 where either has none."""
        rates, half = self.sums[COLUMNS.index("rate")], len(self) // 2
        first, second = sum(rates[:half]), sum(rates[half:])
        return first / second if first > 0.0 and second > 0.0 else 1.0

    def swing(self) -> float:
        """Range of the loss over the younger half, its outer tenths left out, noise included."""
        half = len(self) // 2
        younger = sorted(self.sums[0][half:])
        rough = sorted(self.sums[2][half:])
        noise = _MEAN_CHANGE_TO_STD * rough[len(rough) // 2] / self.length
        edge = len(younger) // 10
        return (younger[-1 - edge] - younger[edge]) / self.length + 2.0 * noise

    def _merge(self) -> None:
        for column in self.sums:
            column[:] = [a + b for a, b in zip(column[::2], column[1::2], strict=True)]
        self.length *= 2
