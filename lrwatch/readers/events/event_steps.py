"""Event steps: the loss, norm and rate of a TensorBoard run joined by step, in order of writing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrwatch.readers.columns import Columns
from lrwatch.readers.events.crc32c import Ints
from lrwatch.readers.events.events import Scalars, Tags, joined, scalar_chunks
from lrwatch.readers.events.framing import Health
from lrwatch.readers.lines import Damage
from lrwatch.records import Step

HEAD_SCALARS = 200_000
WINDOW = 1_000_000
_AT_ONCE = 50_000


class EventSteps:
    """The event files of one run, read up to where their tags are known.

    Args:
        paths: The files, in the order in which they were written.
        follow: Whether links among them are followed.

    Attributes:
        counts: The tags of its scalars, with how many of them the beginning holds.
        damage: Count of the records that could not be read so far.
    """

    def __init__(self, paths: Sequence[Path], *, follow: bool = True) -> None:
        self.damage = Damage()
        self._health = Health()
        self._tags = Tags()
        self._chunks = scalar_chunks(paths, self._tags, self._health, follow=follow)
        self._head: list[Scalars] = []
        for chunk in self._chunks:
            self._head.append(chunk)
            if sum(map(len, self._head)) >= HEAD_SCALARS:
                break
        self.counts: Mapping[str, int] = counted(self._head, self._tags)
        self._tell_damage()

    def read(self, columns: Columns) -> Iterator[Step]:
        """The Steps."""
        numbers = {name: self._tags.names.index(name) for name in columns.names}
        wanted = np.array(sorted(numbers.values()), np.int32)
        counter = Counting(None if not columns.loss else numbers[columns.loss[0]])
        for window in _windows(chain(self._head, self._chunks), wanted):
            yield from steps_in(counter.applied(window), columns, numbers)
        self._tell_damage()

    def _tell_damage(self) -> None:
        if self._health.n_damaged:
            self.damage.n_bad = self._health.n_damaged
            self.damage.first = "records that fail their checksum"


def counted(parts: Iterable[Scalars], tags: Tags) -> Counter[str]:
    """How many scalars each tag has."""
    found: Counter[str] = Counter()
    for part in parts:
        for number, n in zip(*np.unique(part.tags, return_counts=True), strict=True):
            found[tags.names[number]] += int(n)
    return found


class Counting:
    """Numbers the scalars of each tag, where nobody gave the writer their steps.

    Args:
        number: The tag that tells, by having the same step throughout.
        counts: Whether it is so; None to see it from the first scalars.
    """

    def __init__(self, number: int | None, *, counts: bool | None = None) -> None:
        self._number = number
        self._counts = counts
        self._n_seen: Counter[int] = Counter()

    def applied(self, window: Scalars) -> Scalars:
        """The scalars with the steps that they were given, or were counted to."""
        if self._counts is None:
            self._counts = stands_still(window, self._number)
        if not self._counts:
            return window
        steps = window.steps.copy()
        for number in np.unique(window.tags).tolist():
            places = np.flatnonzero(window.tags == number)
            steps[places] = np.arange(len(places)) + self._n_seen[number]
            self._n_seen[number] += len(places)
        return replace(window, steps=steps)


def stands_still(scalars: Scalars, number: int | None) -> bool:
    """Whether all scalars of a tag, of which there are several, have the same step."""
    steps = scalars.steps[scalars.tags == number]
    return len(steps) > 1 and bool((steps == steps[0]).all())


def steps_in(window: Scalars, columns: Columns, numbers: Mapping[str, int]) -> Iterator[Step]:
    """The Steps of some scalars, by the numbers of the tags that the columns name."""
    for segment in _segments(window):
        yield from _joined(segment, columns, numbers)


def _windows(chunks: Iterable[Scalars], wanted: NDArray[np.int32]) -> Iterator[Scalars]:
    """The wanted scalars, as many at a time as fit into memory; no step is cut in two."""
    parts: list[Scalars] = []
    for chunk in chunks:
        parts.append(chunk[np.isin(chunk.tags, wanted)])
        if sum(map(len, parts)) < WINDOW:
            continue
        window = joined(parts)
        other = np.flatnonzero(window.steps != window.steps[-1])
        cut = int(other[-1]) + 1 if len(other) else len(window)
        yield window[:cut]
        parts = [window[cut:]]
    yield joined(parts)


def _segments(window: Scalars) -> Iterator[Scalars]:
    """Parts in which the steps of each tag never go back: a resumed run makes a new part."""
    back: list[tuple[int, int]] = []
    for number in np.unique(window.tags):
        places = np.flatnonzero(window.tags == number)
        falls = np.flatnonzero(np.diff(window.steps[places]) < 0)
        back += zip(places[falls + 1].tolist(), places[falls].tolist(), strict=True)
    start = 0
    for place, before in sorted(back):
        if before >= start:
            yield window[start:place]
            start = place
    yield window[start:]


class _Series:
    """Steps and numbers of one tag in one segment."""

    def __init__(self, segment: Scalars, number: int | None) -> None:
        of_tag = segment[segment.tags == (-1 if number is None else number)]
        self.steps, self.times, self.values = of_tag.steps, of_tag.times, of_tag.values

    def at(self, steps: Ints, rank: Ints) -> Ints:
        """Index of the number of each step, -1 where there is none."""
        places = np.searchsorted(self.steps, steps, side="left") + rank
        return np.where(places < np.searchsorted(self.steps, steps, side="right"), places, -1)


def _joined(segment: Scalars, columns: Columns, numbers: Mapping[str, int]) -> Iterator[Step]:
    losses = [_Series(segment, numbers[name]) for name in columns.loss] or [_Series(segment, None)]
    norm, rate = (
        _Series(segment, None if name is None else numbers[name])
        for name in (columns.grad_norm, columns.lr)
    )
    loss = losses[0]
    alone = norm.steps[~np.isin(norm.steps, loss.steps)]
    steps = np.sort(np.concatenate([loss.steps, alone])) if len(alone) else loss.steps
    rank = np.arange(len(steps)) - np.searchsorted(steps, steps, side="left")
    loss_at, norm_at = [part.at(steps, rank) for part in losses], norm.at(steps, rank)
    times = np.append(loss.times, norm.times)
    time_at = _either(loss_at[0], norm_at, len(loss.times))
    summands = [(part.values, at) for part, at in zip(losses, loss_at, strict=True)]
    others = [(norm.values, norm_at), (rate.values, _rate_at(rate, steps, rank)), (times, time_at)]
    for start in range(0, len(steps), _AT_ONCE):  # as objects they take ten times the memory
        some = slice(start, start + _AT_ONCE)
        summed = _summed([_taken(values, at[some]) for values, at in summands])
        rest = [_taken(values, at[some]) for values, at in others]
        for step, value, grad_norm, lr, time in zip(
            steps[some].tolist(), summed, *rest, strict=True
        ):
            yield Step(step=step, loss=value, grad_norm=grad_norm, lr=lr, time=time)


def _rate_at(rate: _Series, steps: Ints, rank: Ints) -> Ints:
    """A rate of a step that nothing else was written for belongs to the step that follows."""
    at = rate.at(steps, rank)
    alone = np.flatnonzero(~np.isin(rate.steps, steps))
    following = np.searchsorted(steps, rate.steps[alone], side="left")
    for index, place in zip(alone.tolist(), following.tolist(), strict=True):
        if place < len(at) and at[place] < 0:
            at[place] = index
    return at


def _either(first: Ints, second: Ints, n_first: int) -> Ints:
    return np.where(first >= 0, first, np.where(second >= 0, second + n_first, -1))


def _taken(values: NDArray[np.float64], at: Ints) -> list[float | None]:
    missing = at < 0
    if missing.all():
        return [None] * len(at)
    taken: list[float | None] = values[at].tolist()
    for index in np.flatnonzero(missing).tolist():
        taken[index] = None
    return taken


def _summed(parts: list[list[float | None]]) -> list[float | None]:
    if len(parts) == 1:
        return parts[0]
    together = zip(*parts, strict=True)
    return [None if None in row else sum(x for x in row if x is not None) for row in together]
