"""Rank 0's end of an exchange: it merges, and its word is what holds."""

import time
from collections import deque
from collections.abc import Callable, Iterable

from lrwatch.ranks.exchange import MAX_ROWS, MERGED, Exchange, place
from lrwatch.ranks.job import Store
from lrwatch.ranks.letter import Letter
from lrwatch.ranks.row import Row, merged

PATIENCE_S = 20.0

_N_FOR_THE_LATE = 128


class _Heard:
    """What one other rank has told."""

    def __init__(self) -> None:
        self.rows: deque[Row] = deque()
        self.n_told = 0
        self.n_known = 0
        self.is_awaited = True
        self.has_come = self.closed = False
        self.text = b""

    def take(self, letter: Letter) -> None:
        self.n_known, self.closed = letter.n_known, letter.closed
        new = letter.rows[max(0, self.n_told - letter.first) :]
        self.rows.extend(new)
        self.n_told = max(self.n_told, letter.first + len(letter.rows))
        self.has_come = True

    def n_missed(self, n_merged: int) -> int:
        """Merged rows that it has not seen, while it may still want them.

        One that is left out, or has ended, is given some time to fetch what it shared in.
        """
        last = self.n_told if self.closed else self.n_known
        wants = self.is_awaited or n_merged - last <= _N_FOR_THE_LATE
        return n_merged - self.n_known if wants else 0

    def row(self, index: int) -> Row | None:
        """The row of a step, which is dropped; earlier ones, too."""
        first = self.n_told - len(self.rows)
        while self.rows and first < index:
            self.rows.popleft()
            first += 1
        return self.rows.popleft() if self.rows and first == index else None


class Leader(Exchange):
    """The end of rank 0.

    A rank that keeps the others' steps from being judged for 20 seconds, or 1024 steps, is left
    out until it has caught up. Where ranks act, that ends the acting instead.

    Args:
        store: Shared by all ranks.
        n_ranks: How many there are, >= 2.
        timeout_s: After so long without a word from rank 0 the others may part.
        acts: As for :class:`Exchange`.
        clock: As for :class:`Exchange`.
    """

    def __init__(
        self,
        store: Store,
        *,
        n_ranks: int,
        timeout_s: float,
        acts: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(store, acts=acts, clock=clock)
        self._others = {rank: _Heard() for rank in range(1, n_ranks)}
        self._patience_s = 0.9 * timeout_s
        self._kept: deque[Row] = deque()
        self._said_s = clock()

    def turn(self, *, closing: bool = False) -> list[tuple[int, Row]]:
        """Fetch what the others told, merge what is complete, and tell it."""
        if self.parted is None:
            self._fetch()
        if self._overdue(PATIENCE_S):
            self._go_on_without_the_late()
        found = list(self._complete(closing)) if self.parted is None else []
        if found or closing or self.parted:
            self._say(closed=closing)
        return [] if self.parted else found

    def part(self, reason: str) -> list[tuple[int, Row]]:
        """Say that from here on each judges for itself."""
        self.parted = reason
        self._say()
        return []

    def leave(self, reason: str) -> list[tuple[int, Row]]:
        """Part, and tell the others."""
        return self.part(reason)

    def missing(self) -> list[int]:
        """Ranks whose word on the oldest step is awaited."""
        heard = self._others.items()
        return [rank for rank, one in heard if one.is_awaited and one.n_told <= self._n_merged]

    def _fetch(self) -> None:
        for rank, text in self._letters():
            heard = self._others[rank]
            if text == heard.text:
                continue
            heard.text = text
            letter = Letter.of(text)
            heard.take(letter)
            is_there = heard.is_awaited or heard.n_told > self._n_merged
            heard.is_awaited = is_there and not heard.closed
            self.parted = self.parted or self._apart(rank, letter)

    def _apart(self, rank: int, letter: Letter) -> str | None:
        if letter.parted and self._acts:
            return letter.parted
        if letter.acts != self._acts:
            return f"back-off is {'on' if letter.acts else 'off'} at rank {rank}, unlike at rank 0"
        if letter.closed and self._acts and self._others[rank].n_told < self._n_added:
            return f"rank {rank} has ended"
        return None

    def _letters(self) -> list[tuple[int, bytes]]:
        known = [rank for rank, one in self._others.items() if one.has_come]
        new = [rank for rank, one in self._others.items() if not one.has_come]
        if new and self._store.check([place(rank) for rank in new]):
            known += new
        elif new and self._overdue(PATIENCE_S):
            known += [rank for rank in new if self._store.check([place(rank)])]
        if not known:
            return []
        texts = self._store.multi_get([place(rank) for rank in known])
        return list(zip(known, texts, strict=True))

    def _go_on_without_the_late(self) -> None:
        if not self._acts:
            for rank in self.missing():
                self._others[rank].is_awaited = False

    def _complete(self, closing: bool) -> Iterable[tuple[int, Row]]:
        while self._own:
            if closing:
                self._go_on_without_the_late()
            if self.missing():
                return
            index = self._n_merged
            rows = [one.row(index) for one in self._others.values()]
            told = [row for row in rows if row is not None]
            row = merged([self._own.popleft(), *told], n_missing=len(rows) - len(told))
            self._kept.append(row)
            self._advance(index + 1)
            yield index, row

    def _say(self, *, closed: bool = False) -> None:
        n_missed = max(one.n_missed(self._n_merged) for one in self._others.values())
        while len(self._kept) > min(n_missed, MAX_ROWS):
            self._kept.popleft()
        letter = Letter(
            first=self._n_merged - len(self._kept),
            rows=tuple(self._kept),
            n_known=self._n_merged,
            acts=self._acts,
            closed=closed,
            parted=self.parted,
        )
        self._put(letter.text())

    def _put(self, text: str) -> None:
        """Write over the last word; after a long silence only if no other rank has parted."""
        now_s, before = self._clock(), self._last_sent
        if not self._acts or (before and now_s - self._said_s < self._patience_s):
            self._store.set(MERGED, text)
        elif (there := self._store.compare_set(MERGED, before, text).decode()) != text:
            self.parted = Letter.of(there).parted
        self._last_sent, self._said_s = text, now_s
