"""The end of any other rank than 0: it tells its own rows, and takes rank 0's word."""

import time
from collections.abc import Callable

from lrwatch.ranks.exchange import MERGED, Exchange, place
from lrwatch.ranks.job import Store
from lrwatch.ranks.letter import Letter
from lrwatch.ranks.row import Row

PATIENCE_S = 60.0


class Follower(Exchange):
    """The end of any rank but 0.

    Args:
        store: Shared by all ranks.
        rank: The rank, >= 1.
        acts: As for :class:`Exchange`.
        clock: As for :class:`Exchange`.
    """

    def __init__(
        self,
        store: Store,
        *,
        rank: int,
        acts: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(store, acts=acts, clock=clock)
        self._place = place(rank)
        self._n_confirmed = 0
        self._seen = ""
        self._has_rank_0_ended = False

    def turn(self, *, closing: bool = False) -> list[tuple[int, Row]]:
        """Leave the own rows for rank 0, and fetch what it has merged."""
        self._send(closing)
        found: list[tuple[int, Row]] = []
        if self._seen or self._store.check([MERGED]):
            (text,) = self._store.multi_get([MERGED])
            found = self._read(text)
        if not self._acts and self._overdue(PATIENCE_S):
            self.parted = "rank 0 says nothing"
        return found

    def part(self, reason: str) -> list[tuple[int, Row]]:
        """Say so in the leader's place, unless that holds a newer word."""
        mine = Letter(n_known=self._n_merged, acts=self._acts, parted=reason).text()
        return self._read(self._store.compare_set(MERGED, self._seen, mine))

    def leave(self, reason: str) -> list[tuple[int, Row]]:
        """Part, and have rank 0 tell the others."""
        self.parted = reason
        self._send(closing=True)
        return []

    def _send(self, closing: bool) -> None:
        letter = Letter(
            first=self._n_confirmed,
            rows=tuple(self._own),
            n_known=self._n_merged,
            acts=self._acts,
            closed=closing,
            parted=self.parted,
        )
        text = letter.text()
        if text != self._last_sent:
            self._store.set(self._place, text)
            self._last_sent = text

    def _read(self, text: bytes) -> list[tuple[int, Row]]:
        if text.decode() == self._seen:
            self.parted = self.parted or self._forsaken()
            return []
        self._seen = text.decode()
        letter = Letter.of(text)
        self._has_rank_0_ended = letter.closed
        found = [
            (index, row)
            for index, row in enumerate(letter.rows, letter.first)
            if index >= self._n_merged
        ]
        self._advance(letter.n_known)
        for _ in range(min(len(self._own), letter.n_known - self._n_confirmed)):
            self._own.popleft()
        self._n_confirmed = max(self._n_confirmed, letter.n_known)
        self.parted = letter.parted or self._apart(letter)
        return found

    def _apart(self, letter: Letter) -> str | None:
        if letter.acts != self._acts:
            return "back-off is on at rank 0 only" if letter.acts else "back-off is off at rank 0"
        return self._forsaken()

    def _forsaken(self) -> str | None:
        """Whether steps were told after rank 0 has ended, which it then merges no more."""
        is_forsaken = self._has_rank_0_ended and self._n_merged < self._n_added
        return "rank 0 has ended" if is_forsaken else None
