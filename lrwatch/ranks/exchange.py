"""Rows of all ranks, merged by rank 0, in the same order for all; nobody has to wait for it."""

import time
from collections import deque
from collections.abc import Callable

from lrwatch.ranks.job import Store
from lrwatch.ranks.row import Row

MAX_ROWS = 1024
MERGED = "merged"

_MAX_LONG_STEPS = 3


def place(rank: int) -> str:
    """Where a rank leaves its own rows."""
    return f"rank{rank}"


class Exchange:
    """One rank's end: it tells its own rows, and gives back merged ones.

    Rank 0 merges a step when every rank has told it, and leaves the result where the others find
    it. Every place in the store is written over, and holds what its readers have not confirmed:
    nothing is lost, and nothing grows. No call waits for another rank.

    A subclass is either end: :class:`lrwatch.ranks.leader.Leader` for rank 0, and
    :class:`lrwatch.ranks.follower.Follower`.

    Args:
        store: Shared by all ranks.
        acts: Whether the ranks act on what is merged; rows are then never merged without a rank.
        clock: A steady clock, in seconds.

    Attributes:
        parted: Why the ranks no longer judge together; None while they do.
    """

    def __init__(
        self, store: Store, *, acts: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._acts = acts
        self._clock = clock
        self._own: deque[Row] = deque()
        self._n_added = 0
        self._n_merged = 0
        self._oldest_s = 0.0
        self._last_sent = ""
        self.parted: str | None = None

    def add(self, row: Row) -> None:
        """Take the next step of this rank."""
        if self._n_added == self._n_merged:
            self._oldest_s = self._clock()
        self._own.append(row)
        self._n_added += 1

    def turn(self, *, closing: bool = False) -> list[tuple[int, Row]]:
        """Send and fetch once; give back what was merged since, with the index of the step."""
        raise NotImplementedError

    def settled(self) -> bool:
        """Whether nothing of this rank is left to be merged."""
        return self.parted is not None or self._n_merged >= self._n_added

    def part(self, reason: str) -> list[tuple[int, Row]]:
        """Judge apart from here on, all ranks: to be said by the one that can wait no more.

        Gives back what was merged meanwhile: then nobody parts.
        """
        raise NotImplementedError

    def leave(self, reason: str) -> list[tuple[int, Row]]:
        """Part because of what happened on this rank."""
        raise NotImplementedError

    def _overdue(self, patience_s: float) -> bool:
        """Whether steps wait to be merged for too long; a few may, where steps take long."""
        n_waiting = self._n_added - self._n_merged
        late = self._clock() - self._oldest_s > patience_s
        return n_waiting > MAX_ROWS or (late and n_waiting > _MAX_LONG_STEPS)

    def _advance(self, n_merged: int) -> None:
        """Take note that so many steps are merged."""
        if n_merged > self._n_merged:
            self._n_merged, self._oldest_s = n_merged, self._clock()
