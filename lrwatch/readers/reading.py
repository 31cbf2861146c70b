"""Reading: a path in, Steps out, whatever wrote the log."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from lrwatch.errors import LrwatchError
from lrwatch.readers.columns import ColumnError, Columns, resolve
from lrwatch.readers.folders import OWN, event_files, find_runs, is_own, logs_in
from lrwatch.readers.formats import Format, Head
from lrwatch.readers.lines import Damage
from lrwatch.readers.opening import UnreadableError, opened
from lrwatch.readers.rows import Row, clock_of, steps_of
from lrwatch.readers.sniff import FORMATS, head_of, is_event_file, refused, sniff
from lrwatch.records import Step

HEAD_ROWS = 5000
_SHOWN = 5

Asked = Mapping[str, str | None]


@dataclass
class Reading(Iterator[Step]):
    """The Steps of a log, in the order in which they were written.

    Where the run was resumed from an earlier step, the steps go back; nothing is left out.

    Attributes:
        path: What is read.
        format: Its kind, in one word.
        columns: Which of its columns are the loss, the norm, the rate and the step.
        counts: Its columns of numbers, with how many of them the beginning holds.
        notes: What a reader of the numbers must know.
    """

    path: Path
    format: str
    columns: Columns
    counts: Mapping[str, int]
    notes: tuple[str, ...]
    _steps: Iterator[Step]
    _damage: Damage

    def __iter__(self) -> "Reading":
        return self

    def __next__(self) -> Step:
        return next(self._steps)

    @property
    def n_damaged(self) -> int:
        """Records or lines so far that could not be read."""
        return self._damage.n_bad

    @property
    def damage(self) -> str:
        """The first of them and what was expected there; empty if there is none."""
        return self._damage.first


def read(
    path: str | os.PathLike[str],
    *,
    loss: str | None = None,
    grad_norm: str | None = None,
    lr: str | None = None,
    step: str | None = None,
) -> Reading:
    """Read the log of a run.

    What the file is, is found from its content; which column is which, from the table of
    :mod:`lrwatch.readers.columns`.

    Args:
        path: A log file, a folder with TensorBoard's event files, or a folder with one log.
        loss: Name of the column of the training loss; several, joined with ``+``, are added up.
        grad_norm: Name of the column of the gradient norm.
        lr: Name of the column of the learning rate.
        step: Name of the column of the step.

    Raises:
        LrwatchError: If it cannot be opened, is no log, or does not say which column is the
            training loss.
    """
    asked = {"loss": loss, "grad_norm": grad_norm, "lr": lr, "step": step}
    where = Path(path)
    try:
        return _read(where, asked)
    except ColumnError as error:
        raise ColumnError(f"{where}: {error}") from error


def _read(path: Path, asked: Asked) -> Reading:
    if os.path.isdir(path):
        return _read_folder(path, asked)
    with opened(path) as file:
        head = head_of(file)
    what = refused(head)
    if what is not None:
        raise UnreadableError(f"{path}: is {what}; expected a log as it was written, unpack it")
    if is_event_file(head):
        return _read_events(path, [path], asked)
    known = sniff(head)
    if known is None:
        raise UnreadableError(f"{path}: {_unknown(head)}")
    return _read_rows(path, known, asked)


def _read_folder(folder: Path, asked: Asked) -> Reading:
    own = is_own(folder)
    files = event_files(folder / OWN if own else folder)
    if files:
        return _read_events(folder, files, asked, name="lrwatch" if own else "tensorboard")
    logs = logs_in(folder)
    if len(logs) == 1:
        return _read(logs[0], asked)
    if logs:
        names = ", ".join(str(log.name) for log in logs[:_SHOWN])
        raise UnreadableError(f"{folder}: holds {len(logs)} logs, name one of them: {names}")
    below = [str(run) for run in islice(find_runs(folder), _SHOWN)]
    hint = f"; there are runs below it: {', '.join(below)}" if below else ""
    raise UnreadableError(f"{folder}: holds no event file and no log of a run{hint}")


def _read_events(
    path: Path, files: list[Path], asked: Asked, *, name: str = "tensorboard"
) -> Reading:
    from lrwatch.readers.event_steps import open_events
    from lrwatch.readers.events import Tags
    from lrwatch.readers.framing import Health

    health, damage = Health(), Damage()
    columns, counts, steps = open_events(files, Tags(), health, asked)

    def watched() -> Iterator[Step]:
        yield from steps
        damage.n_bad = health.n_damaged
        damage.first = "records that fail their checksum" if health.n_damaged else ""

    return Reading(path, name, columns, counts, (), watched(), damage)


def _read_rows(path: Path, known: Format, asked: Asked) -> Reading:
    damage = Damage()
    rows = _rows(path, known, damage)
    head = list(islice(rows, HEAD_ROWS))
    counts = Counter(name for row in head for name in row)
    if not head:
        broken = f"; {damage.first}" if damage.n_bad else ""
        raise UnreadableError(f"{path}: looks like {known.about}, but has no numbers{broken}")
    usual: dict[str, str | None] = {n: c for n, c in known.columns.items() if c in counts}
    usual.update({name: column for name, column in asked.items() if column is not None})
    columns = resolve(counts, usual)
    steps = steps_of(chain(head, rows), columns, clock_of(head, columns))
    return Reading(path, known.name, columns, counts, known.notes, steps, damage)


def _rows(path: Path, known: Format, damage: Damage) -> Iterator[Row]:
    with opened(path) as file:
        try:
            yield from known.rows(file, damage)
        except LrwatchError as error:
            raise UnreadableError(f"{path}: {error}") from error


def _unknown(head: Head) -> str:
    if not head.data.strip(b"\0 \t\r\n"):
        return "is empty; expected a log of a run"
    known = ", ".join(known.name for known in FORMATS)
    return f"is no log that is known here; expected tensorboard, lrwatch, {known}"
