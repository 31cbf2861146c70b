"""Event steps: the loss, norm and rate of a TensorBoard run joined by step, in order of writing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrwatch.readers.columns import Columns, resolve
from lrwatch.readers.crc32c import Ints
from lrwatch.readers.events import Scalars, Tags, joined, scalar_chunks
from lrwatch.readers.framing import Health
from lrwatch.records import Step

HEAD_SCALARS = 200_000
WINDOW = 1_000_000


def open_events(
    paths: Sequence[Path], tags: Tags, health: Health, asked: Mapping[str, str | None]
) -> tuple[Columns, dict[str, int], Iterator[Step]]:
    """The columns of a run, how many numbers each of its tags has at first, and its Steps."""
    chunks = scalar_chunks(paths, tags, health)
    head: list[Scalars] = []
    for chunk in chunks:
        head.append(chunk)
        if sum(map(len, head)) >= HEAD_SCALARS:
            break
    counts: Counter[str] = Counter()
    for part in head:
        for number, n in zip(*np.unique(part.tags, return_counts=True), strict=True):
            counts[tags.names[number]] += int(n)
    columns = resolve(counts, asked, has_steps=True)
    return columns, dict(counts), _steps(chain(head, chunks), columns, tags)


def _steps(chunks: Iterable[Scalars], columns: Columns, tags: Tags) -> Iterator[Step]:
    numbers = {name: tags.names.index(name) for name in columns.names}
    counted: bool | None = None
    n_seen = dict.fromkeys(numbers.values(), 0)
    for window in _windows(chunks, np.array(sorted(numbers.values()), np.int32)):
        first = numbers[columns.loss[0]] if columns.loss else None
        if counted is None:
            steps = window.steps[window.tags == first]
            counted = len(steps) > 1 and bool((steps == steps[0]).all())
        if counted:
            window = _with_counts(window, n_seen)
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


def _with_counts(window: Scalars, n_seen: dict[int, int]) -> Scalars:
    """Numbers in place of the steps, where nobody gave the writer any."""
    steps = window.steps.copy()
    for number in n_seen:
        places = np.flatnonzero(window.tags == number)
        steps[places] = np.arange(len(places)) + n_seen[number]
        n_seen[number] += len(places)
    return replace(window, steps=steps)


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
    loss_at, norm_at = loss.at(steps, rank), norm.at(steps, rank)
    rows = zip(
        steps.tolist(),
        _summed([_taken(part.values, part.at(steps, rank)) for part in losses]),
        _taken(norm.values, norm_at),
        _taken(rate.values, _rate_at(rate, steps, rank)),
        _taken(np.append(loss.times, norm.times), _either(loss_at, norm_at, len(loss.times))),
        strict=True,
    )
    for step, loss_value, norm_value, lr, time in rows:
        yield Step(step=step, loss=loss_value, grad_norm=norm_value, lr=lr, time=time)


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
