"""Lines: a text file line by line, in whatever encoding, with a cap on their length."""

import codecs
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

MAX_LINE = 1 << 20
_CHUNK = 1 << 18
_LONGEST_MARK = 3
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
    text = GrowingText(damage)
    while data := file.read(_CHUNK):
        yield from text.feed(data)
    yield from text.finish()


class GrowingText:
    """The lines of a text that comes piece by piece; the last one waits for its end.

    Args:
        damage: Takes the count of lines over ``MAX_LINE`` characters, which are passed over.
    """

    def __init__(self, damage: Damage) -> None:
        self._damage = damage
        self._decoder: io.IncrementalNewlineDecoder | None = None
        self._encoding = ""
        self._first = b""
        self._rest = ""
        self._number = 0
        self._is_skipping = False

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that ``data`` completes."""
        if self._decoder is None:
            data = self._first + data
            if len(data) < _LONGEST_MARK:
                self._first = data
                return
            self._decoder = self._begun(data)
        if self._is_skipping and self._encoding != "utf-16":
            data = self._after_the_long_line(data)
        yield from self._cut(self._decoder.decode(data))

    def finish(self) -> Iterator[Line]:
        """The last line, where the text ends without a line break."""
        if self._decoder is None:
            self._decoder = self._begun(self._first)
            yield from self._cut(self._decoder.decode(self._first))
        yield from self._cut(self._decoder.decode(b"", final=True))
        if self._rest and not self._is_skipping:
            yield Line(self._number + 1, self._rest.replace("\0", ""), False)

    def _begun(self, start: bytes) -> io.IncrementalNewlineDecoder:
        self._encoding = encoding_of(start)
        made = codecs.getincrementaldecoder(self._encoding)(errors="replace")
        return io.IncrementalNewlineDecoder(made, translate=True)

    def _after_the_long_line(self, data: bytes) -> bytes:
        """What is left of the data from the end of a line on that is not wanted, undecoded."""
        ends = [at for at in (data.find(b"\n"), data.find(b"\r")) if at >= 0]
        return data[min(ends) :] if ends else b""

    def _cut(self, text: str) -> Iterator[Line]:
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            skipped, self._is_skipping = self._is_skipping, False
            self._number += not skipped
            if len(line) >= MAX_LINE and not skipped:
                self._damage.add(*_too_long(self._number))
            elif not skipped:
                yield Line(self._number, line.replace("\0", ""), True)
        if len(self._rest) >= MAX_LINE:
            if not self._is_skipping:
                self._number += 1
                self._damage.add(*_too_long(self._number))
            self._is_skipping, self._rest = True, ""


def _too_long(number: int) -> tuple[str, str]:
    return f"line {number}", f"expected at most {MAX_LINE:,} characters"
