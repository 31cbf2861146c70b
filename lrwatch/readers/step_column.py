"""Step column: of the columns that may be the step, the one that counts on from loss to loss."""

import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from lrwatch.readers.lines import Row


def best_step(ranks: Iterable[Sequence[str]], rows: Sequence[Row]) -> str | None:
    """The column of the step; a log that says its step twice is read by the better of them.

    The first rank decides that has a column of whole numbers which moves from row to row. Of
    several of a rank it is the one that the fewest rows lack, that falls and repeats least often,
    and whose name is shortest.

    Args:
        ranks: Names of columns that may be the step, those that are likely first.
        rows: The first rows that hold a loss.
    """
    listed = [list(rank) for rank in ranks]
    for rank in listed:
        moving = [name for name in rank if _moves(name, rows)]
        if moving:
            return min(moving, key=lambda name: (_flaws(name, rows), len(name), natural(name)))
    return next((name for rank in listed for name in sorted(rank, key=len)), None)


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts names as people do: ``lr2`` comes before ``lr10``."""
    return [(int(d) if d else 0, text) for text, d in re.findall(r"(\D*)(\d{0,9})", name)]


def _moves(name: str, rows: Sequence[Row]) -> bool:
    values = _values(name, rows)
    n_moves = sum(a != b for a, b in pairwise(values))
    return all(value.is_integer() for value in values) and 2 * n_moves >= len(rows) - 1


def _flaws(name: str, rows: Sequence[Row]) -> tuple[int, int, int]:
    """How many rows lack the column, how often it falls, and how often it stands still."""
    values = _values(name, rows)
    pairs = list(pairwise(values))
    return len(rows) - len(values), sum(b < a for a, b in pairs), sum(b == a for a, b in pairs)


def _values(name: str, rows: Sequence[Row]) -> list[float]:
    return [row[name] for row in rows if math.isfinite(row.get(name, math.nan))]
