"""Lines: a text file line by line, in whatever encoding, with a cap on their length."""

import codecs
import io
from collections.abc import Callable, Iterator, Mapping
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


Row = Mapping[str, float]
LineReader = Callable[[Line], Row | None]


def encoding_of(head: bytes) -> str:
    """Encoding by the mark at the start of a file, else UTF-8."""
    return next((name for mark, name in _ENCODINGS if head.startswith(mark)), "utf-8")


def text_of(file: BinaryIO) -> io.TextIOWrapper:
    """The file as text; what cannot be decoded becomes U+FFFD, any line end a newline."""
    encoding = encoding_of(file.read(4))
    file.seek(0)
    return io.TextIOWrapper(file, encoding=encoding, errors="replace", newline=None)


def by_line(begin: Callable[[Damage], LineReader], file: BinaryIO, damage: Damage) -> Iterator[Row]:
    """The rows of a file of which each line is one, or none."""
    read = begin(damage)
    for line in lines(file, damage):
        row = read(line)
        if row is not None:
            yield row


def lines(file: BinaryIO, damage: Damage) -> Iterator[Line]:
    """Every line of a file; one of over ``MAX_LINE`` characters is counted and passed over."""
    text, number, too_long = text_of(file), 0, False
    while piece := text.readline(MAX_LINE):
        ended = piece.endswith("\n")
        number += not too_long
        if not ended and len(piece) >= MAX_LINE and not too_long:
            damage.add(*_too_long(number))
            too_long = True
        elif not too_long:
            yield Line(number, piece.rstrip("\n").replace("\0", ""), ended)
        too_long = too_long and not ended
    text.detach()


class GrowingText:
    """The lines of a text that comes piece by piece; the last one waits for its end.

    They are those that :func:`lines` finds in the whole, but for a last line without an end.

    Args:
        damage: Takes the count of lines over ``MAX_LINE`` characters, which are passed over.
    """

    def __init__(self, damage: Damage) -> None:
        self._damage = damage
        self._decoder: io.IncrementalNewlineDecoder | None = None
        self._rest = ""
        self._number = 0
        self._is_skipping = False

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that ``data`` completes."""
        if self._decoder is None:
            made = codecs.getincrementaldecoder(encoding_of(data))(errors="replace")
            self._decoder = io.IncrementalNewlineDecoder(made, translate=True)
        *whole, self._rest = (self._rest + self._decoder.decode(data)).split("\n")
        for text in whole:
            skipped, self._is_skipping = self._is_skipping, False
            self._number += not skipped
            if len(text) >= MAX_LINE and not skipped:
                self._damage.add(*_too_long(self._number))
            elif not skipped:
                yield Line(self._number, text.replace("\0", ""), True)
        if len(self._rest) >= MAX_LINE:
            if not self._is_skipping:
                self._number += 1
                self._damage.add(*_too_long(self._number))
            self._is_skipping, self._rest = True, ""


def _too_long(number: int) -> tuple[str, str]:
    return f"line {number}", f"expected at most {MAX_LINE:,} characters"
