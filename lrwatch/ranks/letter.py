"""What lies in a rank's place in the store: written over each time, so that it never grows."""

import json
from dataclasses import dataclass
from typing import Self

from lrwatch.ranks.row import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a rank tells: its own steps to rank 0, or rank 0 the merged ones to all.

    Attributes:
        first: Index of the first row.
        rows: Steps that the reader may not have yet.
        n_known: Steps of which the writer knows the merged row.
        acts: Whether the writer acts on what it sees, and so waits at every step.
        closed: Whether nothing comes any more.
        parted: Why the ranks no longer judge together, if that is so; the same for all.
    """

    first: int = 0
    rows: tuple[Row, ...] = ()
    n_known: int = 0
    acts: bool = False
    closed: bool = False
    parted: str | None = None

    def text(self) -> str:
        """As JSON in which NaN and infinity are numbers."""
        flags = [self.first, self.n_known, self.acts, self.closed, self.parted]
        return json.dumps([flags, self.rows])

    @classmethod
    def of(cls, text: bytes | str) -> Self:
        """Read what ``text`` wrote."""
        (first, n_known, acts, closed, parted), rows = json.loads(text)
        return cls(
            first=first,
            rows=tuple(Row(*row) for row in rows),
            n_known=n_known,
            acts=acts,
            closed=closed,
            parted=parted,
        )
