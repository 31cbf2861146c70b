"""Sources: a log that was opened and whose columns are known, before they are chosen from."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from lrwatch.errors import LrwatchError
from lrwatch.readers.columns import ColumnError, Columns, resolve
from lrwatch.readers.folders import EVENTS, OWN, event_files, find_runs, is_own, logs_in
from lrwatch.readers.formats import Format, Head
from lrwatch.readers.kinds.delimited import lacks_header
from lrwatch.readers.lines import Damage, Row
from lrwatch.readers.opening import UnreadableError, opened
from lrwatch.readers.rows import clock_of, steps_of
from lrwatch.readers.sniff import FORMATS, head_of, is_event_file, refused, sniff
from lrwatch.records import Step

HEAD_ROWS = 5000
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A log of a known format.

    Attributes:
        path: What is read.
        format: Its kind, in one word.
        counts: Its columns of numbers, with how many of them the beginning holds.
        steps: Reads the Steps with the columns that were chosen.
        damage: Takes the count of what cannot be read.
        usual: Columns that this kind of log always means.
        notes: What a reader of the numbers must know.
        head: The first rows; none where numbers are not written in rows.
        has_steps: Whether every number comes with its step, so that no column is the step.
    """

    path: Path
    format: str
    counts: Mapping[str, int]
    steps: Callable[[Columns], Iterator[Step]]
    damage: Damage
    usual: Mapping[str, str]
    notes: tuple[str, ...] = ()
    head: Sequence[Row] = ()
    has_steps: bool = False

    def columns(self, asked: Mapping[str, str | None]) -> Columns:
        """Choose the columns: those asked for, the usual ones, or by the table.

        Raises:
            ColumnError: If that is not possible; it names the path.
        """
        said: dict[str, str | None] = {n: c for n, c in self.usual.items() if c in self.counts}
        said.update({name: column for name, column in asked.items() if column is not None})
        try:
            return resolve(self.counts, said, self.head, has_steps=self.has_steps)
        except ColumnError as error:
            raise ColumnError(f"{self.path}: {error}") from error


def open_log(path: str | os.PathLike[str]) -> Source:
    """Find out what a path is, and read its beginning.

    Raises:
        UnreadableError: If it cannot be opened or is no log.
    """
    where = Path(path)
    if os.path.isdir(where):
        return _open_folder(where)
    with opened(where) as file:
        head = head_of(file)
    if is_event_file(head) or EVENTS in where.name:
        return _open_events(where, [where])
    what = refused(head)
    if what is not None:
        raise UnreadableError(f"{where}: is {what}; expected a log as it was written, unpack it")
    known = sniff(head)
    if known is None:
        raise UnreadableError(f"{where}: {unknown(head)}")
    return _open_rows(where, known)


def _open_folder(folder: Path) -> Source:
    own = is_own(folder)
    files = event_files(folder / OWN if own else folder)
    if files:
        return _open_events(folder, files, name="lrwatch" if own else "tensorboard")
    if own:
        return _without_steps(folder)
    logs = logs_in(folder)
    if len(logs) == 1:
        return open_log(logs[0])
    if logs:
        names = ", ".join(str(log.name) for log in logs[:_SHOWN])
        raise UnreadableError(f"{folder}: holds {len(logs)} logs, name one of them: {names}")
    hint = runs_below(folder)
    raise UnreadableError(f"{folder}: holds no event file and no log of a run{hint}")


def runs_below(folder: Path) -> str:
    """Words that name some of the runs in a folder's folders, to end a message; empty for none."""
    below = [str(run) for run in islice(find_runs(folder), _SHOWN)]
    return f"; there are runs below it: {', '.join(below)}" if below else ""


def _open_events(path: Path, files: list[Path], *, name: str = "tensorboard") -> Source:
    from lrwatch.readers.events.event_steps import EventSteps

    steps = EventSteps(files, follow=path in files)
    return Source(
        path=path,
        format=name,
        counts=steps.counts,
        steps=steps.read,
        damage=steps.damage,
        usual={},
        has_steps=True,
    )


def _without_steps(folder: Path) -> Source:
    """A run of which lrwatch left no more than the ledger of its alerts."""
    return Source(
        path=folder,
        format="lrwatch",
        counts={"lrwatch/loss": 0},
        steps=lambda _: iter(()),
        damage=Damage(),
        usual={},
        has_steps=True,
    )


def _open_rows(path: Path, known: Format) -> Source:
    damage = Damage()
    rows = _rows(path, known, damage)
    head = list(islice(rows, HEAD_ROWS))
    if not head:
        broken = f"; {damage.first}" if damage.n_bad else ""
        raise UnreadableError(f"{path}: looks like {known.about}, but has no numbers{broken}")
    return Source(
        path=path,
        format=known.name,
        counts=Counter(name for row in head for name in row),
        steps=lambda columns: steps_of(chain(head, rows), columns, clock_of(head, columns)),
        damage=damage,
        usual={str(name): column for name, column in known.columns.items()},
        notes=known.notes,
        head=head,
    )


def _rows(path: Path, known: Format, damage: Damage) -> Iterator[Row]:
    with opened(path) as file:
        try:
            yield from known.rows(file, damage)
        except LrwatchError as error:
            raise UnreadableError(f"{path}: {error}") from error


def unknown(head: Head) -> str:
    """What to say of a file that no reader knows."""
    if not head.data.strip(b"\0 \t\r\n"):
        return "is empty; expected a log of a run"
    if lacks_header(head):
        return "is a table without names; expected a first line that names its columns: step,loss"
    known = ", ".join(known.name for known in FORMATS)
    return f"is no log that is known here; expected tensorboard, lrwatch, {known}"
