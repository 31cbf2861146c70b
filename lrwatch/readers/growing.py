"""Growing: a log of any kind that is still being written, its Steps as they come."""

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Union

from lrwatch.errors import LrwatchError
from lrwatch.readers.folders import EVENTS, OWN, event_files, is_own, logs_in
from lrwatch.readers.growing_rows import GrowingRows
from lrwatch.readers.lines import Damage
from lrwatch.readers.opening import UnreadableError, opened
from lrwatch.readers.sniff import head_of, is_event_file
from lrwatch.records import Step

if TYPE_CHECKING:
    from lrwatch.readers.events.growing_events import GrowingEvents

_SHOWN = 5


class GrowingLog:
    """The Steps of a log as it grows: they are those of :func:`lrwatch.read` on the whole.

    Only what was appended is read. A file that was cut short, written anew or replaced is read
    from its start; a line or record that is half written waits for its other half.

    Args:
        path: A log file, a folder with TensorBoard's event files, or a folder with one log; it may
            be missing for now.
        asked: Names of columns that the user gave, by quantity.
    """

    def __init__(self, path: str | os.PathLike[str], asked: Mapping[str, str | None]) -> None:
        self.path = Path(path)
        self._asked = asked
        self._log: GrowingRows | GrowingEvents | None = None
        self._problem: LrwatchError | None = None

    @property
    def format(self) -> str:
        """What wrote the log in one word, empty until it is known."""
        return "" if self._log is None else self._log.format

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know."""
        return () if self._log is None else self._log.notes

    @property
    def damage(self) -> Damage:
        """Lines or records so far that could not be read."""
        return Damage() if self._log is None else self._log.damage

    @property
    def problem(self) -> LrwatchError | None:
        """Why there are no Steps, as far as waiting for more may help; None if all is well."""
        return self._problem if self._log is None else self._log.problem

    @property
    def n_begun(self) -> int:
        """How many times the Steps began with the first one."""
        return 0 if self._log is None else self._log.n_begun

    def poll(self) -> Iterator[Step]:
        """The Steps that came since the last call, but for one that may not be complete.

        Raises:
            UnreadableError: If there is something that cannot be read, now or ever.
        """
        if self._log is None:
            self._log = self._found()
        if self._log is not None:
            yield from self._log.poll()

    def settle(self) -> Iterator[Step]:
        """The last Step, though more about it might have come: for when nothing has for a while."""
        if self._log is not None:
            yield from self._log.settle()

    def close(self) -> None:
        """Let go of the files."""
        if self._log is not None:
            self._log.close()

    def _found(self) -> Union[GrowingRows, "GrowingEvents", None]:
        self._problem = None
        if os.path.isdir(self.path):
            return self._in_folder(self.path)
        if not os.path.lexists(self.path):
            self._problem = UnreadableError(f"{self.path}: no such file or folder")
            return None
        with opened(self.path) as file:
            is_events = is_event_file(head_of(file)) or EVENTS in self.path.name
        return self._events() if is_events else GrowingRows(self.path, self._asked)

    def _in_folder(self, folder: Path) -> Union[GrowingRows, "GrowingEvents", None]:
        if is_own(folder) or event_files(folder):
            return self._events()
        logs = logs_in(folder)
        if len(logs) == 1:
            return GrowingRows(logs[0], self._asked)
        names = ", ".join(log.name for log in logs[:_SHOWN])
        words = f"{len(logs)} logs, name one of them: {names}" if logs else "no log of a run yet"
        self._problem = UnreadableError(f"{folder}: holds {words}")
        return None

    def _events(self) -> "GrowingEvents":
        from lrwatch.readers.events.growing_events import GrowingEvents

        if not os.path.isdir(self.path):
            return GrowingEvents(lambda: [self.path], self._asked)
        own = is_own(self.path)
        folder, name = (self.path / OWN, "lrwatch") if own else (self.path, "tensorboard")
        return GrowingEvents(partial(event_files, folder), self._asked, format=name)
