"""Delimited text: CSV and its kin, with one header line and one row of numbers a line."""

import csv
import re
from collections.abc import Sequence
from functools import partial

from lrwatch.readers.formats import Format, Head
from lrwatch.readers.lines import Damage, Line, Row, by_line
from lrwatch.readers.numbers import number
from lrwatch.readers.splits import SPLITS, apart, value_is_apart

MAX_COLUMNS = 10_000
_DELIMITERS = ",\t;|"
_POINT = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_SPEECH = re.compile(r"[:={}]|\s[-+]?\d")


def delimiter_of(header: str) -> str | None:
    """What separates the names of a header line; None where it is no header."""
    best = max(_DELIMITERS, key=header.count)
    return best if header.count(best) else None


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of one line, quoted or not."""
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        row = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in row]


def header_of(line: str) -> list[str]:
    """Names of the columns, if the line can be a header: several names, no number among them."""
    delimiter = delimiter_of(line)
    names = cells_of(line, delimiter) if delimiter else []
    named = [name for name in names if name]
    is_header = 2 <= len(names) <= MAX_COLUMNS and bool(named)
    is_header = is_header and not any(_SPEECH.search(name) for name in named)
    return names if is_header and all(number(name) is None for name in named) else []


def body_of(head: Head) -> list[list[str]]:
    """Cells of the first lines below the header."""
    delimiter = delimiter_of(head.lines[0]) or ","
    return [cells_of(line, delimiter) for line in head.lines[1:40]]


class TableLines:
    """Reads the lines of a table: the first is its header, each of the others a row.

    A later header counts from there on, as a resumed run writes it that logs more than before.

    Args:
        damage: Takes the count of lines that have more or fewer cells than the header.
    """

    def __init__(self, damage: Damage) -> None:
        self._damage = damage
        self._names: Sequence[str] = ()
        self._splits: Sequence[int] = ()
        self._delimiter = ","
        self._header = ""

    def __call__(self, line: Line) -> Row | None:
        """The row of a line; the last line is one only if the file holds its end."""
        if not line.text.strip() or not line.whole:
            return None
        if not self._names:
            names = header_of(line.text)
            if names or not line.text.startswith("#"):
                self._begin(names, line.text)
            return None
        if line.text == self._header:
            return None
        cells = cells_of(line.text, self._delimiter)
        row = _row(self._names, cells, self._delimiter) if len(cells) == len(self._names) else {}
        if not row and self._follows(names := header_of(line.text)):
            self._begin(names, line.text)
            return None
        if len(cells) == len(self._names):
            return apart(row) if any(value_is_apart(cells[i]) for i in self._splits) else row
        expected = f"expected {len(self._names)} cells as in the header, got {len(cells)}"
        self._damage.add(f"line {line.number}", expected)
        return None

    def _follows(self, names: Sequence[str]) -> bool:
        """Whether the names can be a later header, or the first one below a line of remarks."""
        shared = {*self._names} & {*names} - {""}
        return bool(shared or (names and self._header.startswith("#")))

    def _begin(self, names: Sequence[str], header: str) -> None:
        self._names, self._header = names, header
        self._delimiter = delimiter_of(header) or ","
        self._splits = [i for i, name in enumerate(names) if name.lower() in SPLITS]


rows_of = partial(by_line, TableLines)


def is_delimited(head: Head) -> bool:
    """Whether a header is followed by lines of as many cells, most of them numbers.

    Above the header there may be lines of remarks, which begin with ``#``.
    """
    first = next((line for line in head.lines if not line.startswith("#")), "")
    if not header_of(first) and not (head.lines and header_of(head.lines[0])):
        return False
    damage = Damage()
    read = TableLines(damage)
    lines = [read(Line(i, text, True)) for i, text in enumerate(head.lines[:40])]
    rows = [row for row in lines if row is not None]
    return 2 * damage.n_bad <= len(lines) - 1 and sum(map(len, rows)) >= len(rows)


def lacks_header(head: Head) -> bool:
    """Whether the lines are those of a table, all of numbers, with no names above them."""
    lines = head.lines[:20]
    delimiter = delimiter_of(lines[0]) if lines else None
    if delimiter is None:
        return False
    rows = [[_number(cell, delimiter) for cell in cells_of(line, delimiter)] for line in lines]
    return all(len(row) == len(rows[0]) and None not in row for row in rows)


def _row(names: Sequence[str], cells: Sequence[str], delimiter: str) -> Row:
    numbers = ((n, _number(cell, delimiter)) for n, cell in zip(names, cells, strict=True) if cell)
    return {name: value for name, value in numbers if value is not None}


def _number(cell: str, delimiter: str) -> float | None:
    """The number of a cell; a comma is a point where it separates no cells, as in ``0,5``."""
    value = number(cell)
    if value is None and delimiter in ";\t" and _POINT.fullmatch(cell):
        return number(cell.replace(",", "."))
    if value is None and _THOUSANDS.fullmatch(cell):
        return number(cell.replace(",", ""))
    return value


FORMAT = Format(
    name="csv",
    about="a table with a header line, separated by comma, tab, semicolon or bar",
    recognises=is_delimited,
    rows=rows_of,
    line_reader=TableLines,
)
