"""The whole run in a few dozen blocks of equal length: its shape, at constant memory."""

from lrwatch.stats.state import Stateful

N_BLOCKS = 64
COLUMNS = (
    "loss",
    "excess",
    "change",
    "change_sq",
    "turn",
    "rate",
    "norm",
    "norm_n",
    "norm_zero",
    "norm_change",
    "norm_change_sq",
    "together",
    "over",
)
N_COLUMNS = len(COLUMNS)


class Blocks(Stateful):
    """Sums over at most 64 consecutive blocks of a run; when full, neighbours are merged.

    A block starts as one value long; each merge doubles that. Every block holds plain sums, one
    per column, so that merging is exact: ``loss`` (clipped to the expected band), ``excess`` (what
    was clipped off), ``change`` (absolute difference to the loss before) and ``change_sq``,
    ``turn`` (product of two differences in a row), ``rate``, ``norm`` (log gradient norm) with
    ``norm_n`` and ``norm_zero`` (how many there were, and how many were 0), ``norm_change`` and
    ``norm_change_sq`` (of the log norm), ``together`` (product of both differences), ``over``
    (losses above the start).

    Attributes:
        length: Values in a full block, a power of 2.
        sums: One list per column, oldest block first.
        tops: Largest loss of each block, not clipped.
    """

    def __init__(self) -> None:
        self.length = 1
        self.sums: list[list[float]] = [[] for _ in COLUMNS]
        self.tops: list[float] = []
        self._open = [0.0] * N_COLUMNS
        self._top = -float("inf")
        self._n_open = 0

    def __len__(self) -> int:
        return len(self.tops)

    def add(self, values: tuple[float, ...], top: float) -> bool:
        """Take one step's columns into account; True if a block was completed by it."""
        self._open = [a + b for a, b in zip(self._open, values, strict=True)]
        if top > self._top:
            self._top = top
        self._n_open += 1
        if self._n_open < self.length:
            return False
        for column, value in zip(self.sums, self._open, strict=True):
            column.append(value)
        self.tops.append(self._top)
        self._open = [0.0] * N_COLUMNS
        self._top = -float("inf")
        self._n_open = 0
        if len(self.tops) == N_BLOCKS:
            self._merge()
        return True

    def column(self, name: str) -> list[float]:
        """Sums of one column, oldest block first."""
        return self.sums[COLUMNS.index(name)]

    def _merge(self) -> None:
        for column in self.sums:
            column[:] = [a + b for a, b in zip(column[::2], column[1::2], strict=True)]
        self.tops = [max(a, b) for a, b in zip(self.tops[::2], self.tops[1::2], strict=True)]
        self.length *= 2
