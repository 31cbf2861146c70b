"""Columns: which of the names in a log are the loss, the gradient norm, the rate and the step."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lrwatch.errors import LrwatchError
from lrwatch.readers.column_rules import QUANTITIES, RULES, Quantity, Rule
from lrwatch.readers.lines import Row
from lrwatch.readers.step_column import best_step, natural

MAX_NAME = 1000
MIN_SHARE = 0.2
_SHOWN = 20


class ColumnError(LrwatchError):
    """No column, or more than one, could be meant; lists the candidates."""


# A training loss is asked for: whatever these words stand in is something else.
_OTHER = re.compile(
    r"(^|_)(val|valid|validation|eval|evaluation|test|testing|dev|holdout|best|scale|scaler|ema"
    r"|vs|std|var|ratio|weight|coef|time|count|clip|clipped|prev|target|lowest|min|delta|diff)"
    r"(\d*)(_|$)"
)
# W&B's export of a curve has its range beside it.
_RANGE = ("__MIN", "__MAX")
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_COMPILED = tuple((rule, re.compile(rule.pattern)) for rule in RULES)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that were chosen; a loss of several is their sum."""

    step: str | None = None
    loss: tuple[str, ...] = ()
    grad_norm: str | None = None
    lr: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        named = {self.step, self.grad_norm, self.lr, *self.loss}
        return frozenset(name for name in named if name is not None)


def plain_name(name: str) -> str:
    """The name as the table has it: small letters and digits, ``_`` for all else.

    >>> plain_name(" Train/Loss ")
    'train_loss'
    """
    return _SEPARATORS.sub("_", name.lower()).strip("_")


def resolve(
    counts: Mapping[str, int],
    asked: Mapping[str, str | None],
    rows: Sequence[Row] = (),
    *,
    has_steps: bool = False,
) -> Columns:
    """Choose the columns of a log.

    Args:
        counts: Names of the columns, with how many numbers each holds.
        asked: Names that the user gave, by quantity; a loss of several, joined with ``+``, is
            their sum.
        rows: The first rows of the log; those that hold the loss tell which column is the step.
        has_steps: True where every number comes with its step, as in an event file.

    Raises:
        ColumnError: If no loss is found, if several columns may be meant, or if one that was
            asked for is not there.
    """
    loss, grad_norm, lr = (find(name, asked.get(name), counts) for name in QUANTITIES[1:])
    if not loss and not grad_norm:
        raise ColumnError(f"no column is a training loss; say which with --loss. {_listed(counts)}")
    step = find_step(asked.get("step"), counts, rows, loss or grad_norm)
    return Columns(
        step=None if has_steps else _first(step),
        loss=loss,
        grad_norm=_first(grad_norm),
        lr=_first(lr),
    )


def find(quantity: Quantity, asked: str | None, counts: Mapping[str, int]) -> tuple[str, ...]:
    """The columns of one quantity: those that the user named, or those that the table chooses.

    Raises:
        ColumnError: If one that was asked for is not there, or several may be meant.
    """
    return _asked(asked, counts) or choose(quantity, counts)


def find_step(
    asked: str | None, counts: Mapping[str, int], rows: Iterable[Row], beside: Iterable[str]
) -> tuple[str, ...]:
    """The column of the step: the one that the user named, or the best on the rows of the loss.

    Args:
        asked: Name that the user gave.
        counts: Names of the columns, with how many numbers each holds.
        rows: The first rows of the log; none to go by the names alone.
        beside: The columns of the loss, or of the norm where there is none.

    Raises:
        ColumnError: If the one that was asked for is not there, or on no row of the loss.
    """
    names = set(beside)
    holding = [row for row in rows if not names.isdisjoint(row)]
    if asked is not None:
        given = _asked(asked, counts)
        if holding and not any(given[0] in row for row in holding):
            raise ColumnError(f"no line has both the step {given[0]!r} and {_quoted(names)}")
        return given
    if holding:
        counts = Counter(name for row in holding for name in row)
    best = best_step((matching for _, matching in matches("step", counts)), holding)
    return () if best is None else (best,)


def choose(quantity: Quantity, counts: Mapping[str, int]) -> tuple[str, ...]:
    """The columns that mean a quantity, by the first rule that any of them matches.

    Columns with far fewer numbers than the fullest candidate are passed over: a summary at the
    end, or an estimate at every evaluation beside the loss of every step.

    Raises:
        ColumnError: If several match a rule that asks for one.
    """
    for rule, matching in matches(quantity, counts):
        if rule.several == "sum":
            return tuple(matching)
        if len(matching) == 1 or rule.several == "first":
            return tuple(sorted(matching, key=natural)[:1])
        raise ColumnError(
            f"{len(matching)} columns may be the {quantity}: {_quoted(matching)}; "
            f"say which with --{quantity.replace('_', '-')}"
        )
    return ()


def matches(quantity: Quantity, counts: Mapping[str, int]) -> list[tuple[Rule, list[str]]]:
    """Every rule of a quantity with the columns that it matches, in the order of the table."""
    names = [name for name in counts if len(name) <= MAX_NAME and not name.endswith(_RANGE)]
    if quantity != "step":
        names = [name for name in names if not _OTHER.search(plain_name(name))]
    found = []
    for rule, pattern in _COMPILED:
        if rule.quantity == quantity:
            matching = [name for name in names if pattern.fullmatch(plain_name(name))]
            found += [(rule, matching)] if matching else []
    strong = [counts[name] for rule, matching in found if not rule.weak for name in matching]
    fullest = max(strong, default=0)
    enough = [(r, [n for n in m if counts[n] >= MIN_SHARE * fullest]) for r, m in found]
    return [(rule, matching) for rule, matching in enough if matching]


def _asked(name: str | None, counts: Mapping[str, int]) -> tuple[str, ...]:
    if name is None:
        return ()
    if name in counts:
        return (name,)
    parts = tuple(part.strip() for part in name.split("+"))
    missing = [part for part in parts if part not in counts]
    if missing:
        raise ColumnError(f"no column is named {missing[0]!r}. {_listed(counts)}")
    return parts


def _first(names: tuple[str, ...]) -> str | None:
    return names[0] if names else None


def _quoted(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(repr(name[:100]) for name in shown[:_SHOWN]) + more


def _listed(counts: Mapping[str, int]) -> str:
    return f"Columns: {_quoted(counts)}" if counts else "It has no columns of numbers"
