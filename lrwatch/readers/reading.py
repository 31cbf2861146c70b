"""Reading: a path in, Steps out, whatever wrote the log."""

import os
import weakref
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from lrwatch.readers.remote import reachable
from lrwatch.readers.source import Source, open_log
from lrwatch.records import Step


class Reading(Iterator[Step]):
    """The Steps of a log, in the order in which they were written.

    Where the run was resumed from an earlier step, the steps go back; nothing is left out.

    Args:
        source: The log.
        asked: Names of columns that the user gave, by quantity.

    Attributes:
        path: What is read.
        name: What to call it: the path, unless that is only a copy.
        format: Its kind, in one word.
        columns: Which of its columns are the loss, the norm, the rate and the step.
        notes: What a reader of the numbers must know.
        asked: Names of columns that the user gave, by quantity.

    Raises:
        LrwatchError: If the columns cannot be chosen.
    """

    def __init__(self, source: Source, asked: Mapping[str, str | None]) -> None:
        self.path = source.path
        self.name = os.fspath(source.path)
        self.format = source.format
        self.notes = source.notes
        self.asked = {name: column for name, column in asked.items() if column is not None}
        self.columns = source.columns(asked)
        self._damage = source.damage
        self._steps = source.steps(self.columns)

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
    :mod:`lrwatch.readers.column_rules`.

    Args:
        path: A log file, a folder with TensorBoard's event files, or a folder with one log; or a
            URL that fsspec knows, whose copy lies in a temporary folder as long as the Reading.
        loss: Name of the column of the training loss; several, joined with ``+``, are added up.
        grad_norm: Name of the column of the gradient norm.
        lr: Name of the column of the learning rate.
        step: Name of the column of the step.

    Returns:
        An iterator of the :class:`lrwatch.Step` s as they were written, to be gone through once;
        ``columns`` and ``format`` say what it is read as.

    Raises:
        TypeError: If ``path`` is none.
        LrwatchError: If it cannot be opened, is no log, or does not say which column is the
            training loss.
    """
    asked = {"loss": loss, "grad_norm": grad_norm, "lr": lr, "step": step}
    with ExitStack() as copied:
        place = copied.enter_context(reachable(path))
        reading = Reading(open_log(place.path), asked)
        reading.name = place.named(reading.name)
        weakref.finalize(reading, copied.pop_all().close)
    return reading
