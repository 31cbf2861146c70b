"""Growing rows: a log of lines, or one that is written anew each time, read as it grows."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol

from lrwatch.errors import LrwatchError
from lrwatch.readers.columns import ColumnError, Columns, resolve
from lrwatch.readers.formats import HEAD, Format
from lrwatch.readers.growing_file import GrowingFile
from lrwatch.readers.kinds.wandb_offline import FORMAT as WANDB
from lrwatch.readers.kinds.wandb_offline import WandbRows
from lrwatch.readers.lines import Damage, GrowingText, LineReader, Row
from lrwatch.readers.opening import UnreadableError, opened
from lrwatch.readers.rows import Clock, Joining, clock_of
from lrwatch.readers.sniff import head_of, refused, sniff
from lrwatch.readers.source import HEAD_ROWS, unknown
from lrwatch.records import Step

_CHUNK = 1 << 16


class GrowingRows:
    """The Steps of a log of rows, as they come.

    What the log is and which columns are meant follows from its first 64 KiB and its first 5000
    rows, as for one that is over. While these are not yet full, the answer may change: the Steps
    then come again from the first one.

    Args:
        path: The log; it may be missing for now.
        asked: Names of columns that the user gave, by quantity.

    Attributes:
        format: Its kind in one word, empty until it is known.
        notes: What a reader of the numbers must know.
        damage: Takes the count of what cannot be read.
        problem: Why there are no Steps, or none any more that are right; empty if all is well.
        n_begun: How many times the Steps began with the first one.
    """

    def __init__(self, path: Path, asked: Mapping[str, str | None]) -> None:
        self.path = path
        self._asked = asked
        self._file = GrowingFile(path)
        self.n_begun = 0
        self._begin(None)

    def _begin(self, known: Format | None) -> None:
        self._known = known
        self.damage = Damage()
        self.problem: LrwatchError | None = None
        self._reader = None if known is None else _reader_of(known, self.path, self.damage)
        self._head: list[Row] = []
        self._counts: Counter[str] = Counter()
        self._plan: tuple[Columns, Clock] | None = None
        self._joining: Joining | None = None

    @property
    def format(self) -> str:
        """The kind of the log in one word, empty until it is known."""
        return "" if self._known is None else self._known.name

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know."""
        return () if self._known is None else self._known.notes

    def poll(self) -> Iterator[Step]:
        """The Steps that came since the last call, but for one that may not be complete.

        Raises:
            UnreadableError: If there is no regular file, or what it holds is beyond the caps.
        """
        change = self._file.look()
        if change in ("missing", "same"):
            return
        if change == "new" or self._is_written_anew():
            self._begin(None)
        if self._is_known():
            yield from self._taken()

    def settle(self) -> Iterator[Step]:
        """The last Step, though more about it might have come."""
        if self._joining is not None:
            yield from self._joining.finish()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _is_written_anew(self) -> bool:
        return isinstance(self._reader, _Whole)

    def _is_known(self) -> bool:
        """Find out what the file is, as long as its beginning is not all there."""
        if self._known is not None and self._file.size > HEAD and self._head:
            return True
        self._file.file.seek(0)
        head = head_of(self._file.file)
        if what := refused(head):
            raise UnreadableError(f"{self.path}: is {what}; expected a log as it was written")
        known = sniff(head)
        if known is None and self._known is None:
            self.problem = UnreadableError(f"{self.path}: {unknown(head)}")
        elif known is not None and known is not self._known:
            self._begin(known)
        return self._known is not None

    def _taken(self) -> Iterator[Step]:
        rows = iter(()) if self._reader is None else self._reader.rows(self._file.file)
        if len(self._head) < HEAD_ROWS:
            new = list(islice(rows, HEAD_ROWS - len(self._head)))
            self._head += new
            self._counts.update(name for row in new for name in row)
            yield from self._planned(new)
        if self._joining is not None:
            yield from self._joining.feed(rows)

    def _planned(self, new: list[Row]) -> Iterator[Step]:
        """Choose the columns by all rows so far; if they are others now, begin again."""
        plan = self._chosen() if self._head else None
        if plan is not None and plan != self._plan:
            self._plan, self._joining, new = plan, Joining(*plan), self._head
            self.n_begun += 1
        if self._joining is not None:
            yield from self._joining.feed(new)

    def _chosen(self) -> tuple[Columns, Clock] | None:
        usual = {} if self._known is None else self._known.columns
        said: dict[str, str | None] = {n: c for n, c in usual.items() if c in self._counts}
        said.update({name: column for name, column in self._asked.items() if column is not None})
        try:
            columns = resolve(self._counts, said, self._head)
        except ColumnError as error:
            self.problem = ColumnError(f"{self.path}: {error}")
            return None
        self.problem = None
        return columns, clock_of(self._head, columns)


class _Reader(Protocol):
    def rows(self, file: BinaryIO) -> Iterator[Row]:
        """The rows that were not there before."""


class _ByLine:
    def __init__(self, read: LineReader, damage: Damage) -> None:
        self._read = read
        self._text = GrowingText(damage)
        self._offset = 0

    def rows(self, file: BinaryIO) -> Iterator[Row]:
        file.seek(self._offset)
        while data := file.read(_CHUNK):
            self._offset += len(data)
            for line in self._text.feed(data):
                row = self._read(line)
                if row is not None:
                    yield row


class _Whole:
    """For what is written anew each time, such as one JSON object: all of it is read again."""

    def __init__(self, known: Format, path: Path, damage: Damage) -> None:
        self._known, self._path, self._damage = known, path, damage

    def rows(self, file: BinaryIO) -> Iterator[Row]:
        with opened(self._path) as whole:
            yield from self._known.rows(whole, self._damage)


def _reader_of(known: Format, path: Path, damage: Damage) -> _Reader:
    if known.line_reader is not None:
        return _ByLine(known.line_reader(damage), damage)
    return WandbRows(damage) if known is WANDB else _Whole(known, path, damage)
