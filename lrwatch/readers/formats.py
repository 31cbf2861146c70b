"""Formats: what a reader says about the kind of log that it reads."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import BinaryIO

from lrwatch.readers.column_rules import Quantity
from lrwatch.readers.lines import Damage, LineReader, Row, encoding_of

HEAD = 1 << 16


@dataclass(frozen=True)
class Head:
    """The first bytes of a file, by which its format is found.

    Attributes:
        data: Up to ``HEAD`` bytes.
        is_all: Whether they are the whole file.
    """

    data: bytes
    is_all: bool

    @cached_property
    def text(self) -> str:
        """The bytes as text."""
        text = self.data.decode(encoding_of(self.data), errors="replace")
        return text.removeprefix("\ufeff")

    @cached_property
    def lines(self) -> list[str]:
        """The lines that hold more than spaces; not the last one, unless it is whole."""
        found = self.text.splitlines()
        if not self.is_all and len(found) > 1:
            found = found[:-1]
        return [line for line in found if line.strip()]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of log in which every line or object is a row of named numbers.

    Attributes:
        name: One word, as printed.
        about: What writes it, in a few words.
        recognises: Whether a file that starts like this is of this kind.
        rows: Reads a file from its start; counts what it must leave out.
        line_reader: Begins to read lines as rows, where each line is one or none; counts what it
            must leave out. None for a kind that is not read line by line.
        columns: Columns that this kind always means, where it has them.
        notes: What a reader of the numbers must know.
    """

    name: str
    about: str
    recognises: Callable[[Head], bool]
    rows: Callable[[BinaryIO, Damage], Iterator[Row]]
    line_reader: Callable[[Damage], LineReader] | None = None
    columns: Mapping[Quantity, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
