"""Growing events: the event files of a run, read as they grow and as more of them are added."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrwatch.errors import LrwatchError
from lrwatch.readers.columns import ColumnError, Columns, resolve
from lrwatch.readers.events.event_steps import (
    HEAD_SCALARS,
    WINDOW,
    Counting,
    counted,
    stands_still,
    steps_in,
)
from lrwatch.readers.events.events import Scalars, Tags, joined, scalars_in
from lrwatch.readers.events.framing import Framing, Health
from lrwatch.readers.growing_file import GrowingFile
from lrwatch.readers.lines import Damage
from lrwatch.records import Step


@dataclass(frozen=True, slots=True)
class _Plan:
    columns: Columns
    counts: bool


class GrowingEvents:
    """The Steps of a run's event files, as they come.

    Files are read in the order of their names; where two are written at once, what came first is
    read first. Which tags are meant follows from the first 200,000 scalars: while these are not
    all there, the answer may change, and the Steps then come again from the first one.

    Args:
        files: Lists the files of the run, in the order in which they were written.
        asked: Names of tags that the user gave, by quantity.
        format: What wrote them, in one word.

    Attributes:
        problem: Why there are no Steps; None if all is well.
        n_begun: How many times the Steps began with the first one.
    """

    notes: tuple[str, ...] = ()

    def __init__(
        self,
        files: Callable[[], list[Path]],
        asked: Mapping[str, str | None],
        *,
        format: str = "tensorboard",
    ) -> None:
        self.format = format
        self._files = files
        self._asked = asked
        self._open: dict[Path, _EventFile] = {}
        self.n_begun = 0
        self._begin()

    def _begin(self) -> None:
        for file in self._open.values():
            file.close()
        self._open = {}
        self._tags, self._health = Tags(), Health()
        self.problem: LrwatchError | None = None
        self._head: list[Scalars] | None = []
        self._counts: Counter[str] = Counter()
        self._plan: _Plan | None = None
        self._joining: _Joining | None = None

    @property
    def damage(self) -> Damage:
        """Count of the records that could not be read so far."""
        n_bad = self._health.n_damaged
        return Damage(n_bad, "records that fail their checksum" if n_bad else "")

    def poll(self) -> Iterator[Step]:
        """The Steps that came since the last call, but for the last, which may not be complete.

        Raises:
            UnreadableError: If a file cannot be read, or holds too many tags.
        """
        new: list[Scalars] = []
        for path in self._files():
            file = self._open.setdefault(path, _EventFile(path, self._tags, self._health))
            for scalars in file.new():
                new.append(scalars)
                if sum(map(len, new)) >= WINDOW:
                    yield from self._taken(new)
                    new = []
            if file.is_another:
                self._begin()
                yield from self.poll()
                return
        if new:
            yield from self._taken(new)

    def settle(self) -> Iterator[Step]:
        """The last Step, though more about it might have come."""
        if self._joining is not None:
            yield from self._joining.finish()

    def close(self) -> None:
        """Let go of the files."""
        for file in self._open.values():
            file.close()

    def _taken(self, new: list[Scalars]) -> Iterator[Step]:
        if self._head is not None:
            self._head += new
            self._counts.update(counted(new, self._tags))
            plan = self._chosen(joined(self._head))
            if plan is not None and plan != self._plan:
                self._plan, self._joining, new = plan, _Joining(plan, self._tags), self._head
                self.n_begun += 1
            if sum(map(len, self._head)) >= HEAD_SCALARS:
                self._head = None
        if self._joining is not None:
            yield from self._joining.feed(joined(new))

    def _chosen(self, head: Scalars) -> _Plan | None:
        try:
            columns = resolve(self._counts, self._asked, has_steps=True)
        except ColumnError as error:
            self.problem = error
            return None
        self.problem = None
        number = self._tags.names.index(columns.loss[0]) if columns.loss else None
        return _Plan(columns, stands_still(head, number))


class _EventFile:
    """One file; ``is_another`` once it is no longer the one that was read."""

    def __init__(self, path: Path, tags: Tags, health: Health) -> None:
        self._path, self._tags, self._health = path, tags, health
        self._file = GrowingFile(path)
        self._framing: Framing | None = None
        self.is_another = False

    def new(self) -> Iterator[Scalars]:
        """Scalars that were appended."""
        change = self._file.look()
        if change in ("missing", "same"):
            return
        if change == "new" and self._framing is not None:
            self.is_another = True
            return
        if self._framing is None:
            self._framing = Framing(self._file.file, self._file.size, self._health)
        self._framing.grown_to(self._file.size)
        for chunk in self._framing:
            yield scalars_in(chunk, self._tags, self._health, self._path)

    def close(self) -> None:
        self._file.close()


class _Joining:
    """Joins scalars to Steps; those after the last but one loss or norm wait for the others."""

    def __init__(self, plan: _Plan, tags: Tags) -> None:
        columns = plan.columns
        self._columns = columns
        self._numbers = {name: tags.names.index(name) for name in columns.names}
        self._wanted = np.array(sorted(self._numbers.values()), np.int32)
        leading = {*columns.loss, columns.grad_norm} - {None}
        self._leading = np.array([n for name, n in self._numbers.items() if name in leading])
        number = self._numbers[columns.loss[0]] if columns.loss else None
        self._counting = Counting(number, counts=plan.counts)
        self._held: list[Scalars] = []
        self._told: int | None = None

    def feed(self, scalars: Scalars) -> Iterator[Step]:
        wanted = scalars[np.isin(scalars.tags, self._wanted)]
        self._held.append(self._counting.applied(wanted))
        window = joined(self._held)
        leading = np.flatnonzero(np.isin(window.tags, self._leading))
        steps = window.steps[leading]
        before = leading[steps != steps[-1]] if len(steps) else leading
        if not len(before):
            self._held = [window]
            return
        place = np.arange(len(window))
        is_rate = ~np.isin(window.tags, self._leading)
        waits = (place > before[-1]) | (is_rate & (window.steps > window.steps[before[-1]]))
        self._held = [window[waits]]
        yield from self._steps(window[~waits])

    def finish(self) -> Iterator[Step]:
        held, self._held = joined(self._held), []
        if not np.isin(held.tags, self._leading).any():
            self._held = [held]
            return
        told = None
        for step in self._steps(held):
            told = step.step
            yield step
        self._told = told

    def _steps(self, window: Scalars) -> Iterator[Step]:
        for step in steps_in(window, self._columns, self._numbers):
            if step.step != self._told or step.loss is not None:
                self._told = None
                yield step
