"""What a row of the matrix measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure, in words, and whether it is what was promised."""

    text: str
    holds: bool


def all_of(n_good: int, n: int, what: str, misses: list[str] | None = None) -> Figure:
    """``n_good`` of ``n``, which holds if it is all of them and there are any."""
    first = f"; not: {', '.join(misses[:3])}" if misses else ""
    return Figure(f"{what}: {n_good:,} of {n:,}{first}", n_good == n > 0)


def together(*figures: Figure) -> Figure:
    """Several figures of one row."""
    return Figure("; ".join(f.text for f in figures), all(f.holds for f in figures))
