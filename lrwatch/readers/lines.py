"""Lines: a text file line by line, in whatever encoding, with a cap on their length."""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_LINE = 1 << 20
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(slots=True)
class Damage:
    """Parts of a log that could not be read.

    Attributes:
        n_bad: How many.
        first: The place of the first and what was expected there.
    """

    n_bad: int = 0
    first: str = ""

    def add(self, place: str, expected: str) -> None:
        """Count one more."""
        self.n_bad += 1
        self.first = self.first or f"{place}: {expected}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; ``whole`` is False if the file stops before the end."""

    number: int
    text: str
    whole: bool


def encoding_of(head: bytes) -> str:
    """Encoding by the mark at the start of a file, else UTF-8."""
    return next((name for mark, name in _ENCODINGS if head.startswith(mark)), "utf-8")


def text_of(file: BinaryIO) -> io.TextIOWrapper:
    """The file as text; what cannot be decoded becomes U+FFFD, any line end a newline."""
    encoding = encoding_of(file.read(4))
    file.seek(0)
    return io.TextIOWrapper(file, encoding=encoding, errors="replace", newline=None)


def lines(file: BinaryIO, damage: Damage) -> Iterator[Line]:
    """Every line of a file; one of over ``MAX_LINE`` characters is counted and passed over."""
    text, number, too_long = text_of(file), 0, False
    while piece := text.readline(MAX_LINE):
        ended = piece.endswith("\n")
        number += not too_long
        if not ended and len(piece) >= MAX_LINE and not too_long:
            damage.add(f"line {number}", f"expected at most {MAX_LINE:,} characters")
            too_long = True
        elif not too_long:
            yield Line(number, piece.rstrip("\n").replace("\0", ""), ended)
        too_long = too_long and not ended
    text.detach()
