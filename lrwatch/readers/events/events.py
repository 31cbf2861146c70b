"""Event files: every scalar of a TensorBoard run, each checksum checked, as columns of numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrwatch.readers.events.crc32c import (
    MAX_COLUMNS,
    Bytes,
    Ints,
    masked_of_columns,
    masked_of_spans,
)
from lrwatch.readers.events.event_rows import Decoded, decode_columns, decode_each
from lrwatch.readers.events.framing import Chunk, Framing, Health
from lrwatch.readers.events.walking import FOOTER, HEADER, grouped
from lrwatch.readers.events.written_anew import written_anew
from lrwatch.readers.opening import UnreadableError, opened, size_of

MAX_TAGS = 50_000
_MIN_ALIKE = 16


class Tags:
    """Names of the scalars of a run, numbered as they come; at most ``MAX_TAGS``."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[bytes, int] = {}

    def number(self, tag: bytes) -> int:
        """The number of a tag.

        Raises:
            UnreadableError: If there are too many.
        """
        if tag not in self._numbers:
            if len(self.names) >= MAX_TAGS:
                raise UnreadableError(f"expected at most {MAX_TAGS:,} tags in a run")
            self._numbers[tag] = len(self.names)
            self.names.append(tag.decode("utf-8", "replace"))
        return self._numbers[tag]


@dataclass(frozen=True, slots=True)
class Scalars:
    """Scalars in the order in which they were written.

    Attributes:
        tags: Number of the tag of each, see :class:`Tags`.
        steps: Step numbers.
        times: Wall-clock times in seconds since the epoch.
        values: The numbers.
        restarts: How many of the scalars came before each start of a session, and its step.
    """

    tags: NDArray[np.int32]
    steps: Ints
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    restarts: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: NDArray[np.bool_] | slice) -> "Scalars":
        return Scalars(self.tags[index], self.steps[index], self.times[index], self.values[index])


def scalar_chunks(
    paths: Sequence[Path], tags: Tags, health: Health, *, follow: bool = True
) -> Iterator[Scalars]:
    """Scalars of the event files of one run, file after file, a few megabytes at a time.

    Args:
        paths: The files, in the order in which they were written.
        tags: Takes the names.
        health: Takes the counts of damage.
        follow: Whether links among the files are followed.
    """
    for path in paths:
        with opened(path, follow=follow) as file:
            for chunk in Framing(file, size_of(file), health):
                yield scalars_in(chunk, tags, health, path)


def scalars_in(chunk: Chunk, tags: Tags, health: Health, path: Path) -> Scalars:
    """Scalars of a part of the file at ``path``."""
    try:
        return _in_order(list(_decode(chunk, health)), tags)
    except UnreadableError as error:
        raise UnreadableError(f"{path}: {error}") from error


def read_scalars(paths: Sequence[Path], tags: Tags, health: Health) -> Scalars:
    """All scalars of the event files of one run."""
    return joined(list(scalar_chunks(paths, tags, health)))


def joined(parts: Sequence[Scalars]) -> Scalars:
    """Scalars one after the other."""
    if not parts:
        return _in_order([], Tags())
    restarts, n_before = [], 0
    for part in parts:
        restarts += [(n_before + n, step) for n, step in part.restarts]
        n_before += len(part)
    return Scalars(
        np.concatenate([part.tags for part in parts]),
        np.concatenate([part.steps for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
        tuple(restarts),
    )


def superseded(scalars: Scalars) -> NDArray[np.bool_]:
    """Which scalars were written anew by a later session: TensorBoard does not show them."""
    return written_anew(scalars.steps, scalars.restarts)


def _decode(chunk: Chunk, health: Health) -> Iterator[Decoded]:
    few = [np.empty(0, np.int64)]
    for events in grouped(chunk.lengths):
        length = int(chunk.lengths[events[0]])
        if len(events) >= _MIN_ALIKE and length + FOOTER <= MAX_COLUMNS:
            yield from _decode_many(chunk.data, chunk.starts[events], length, health)
        else:
            few.append(events)
    odd = np.concatenate(few)
    yield from _decode_few(chunk.data, chunk.starts[odd], chunk.lengths[odd], health)


def _decode_many(data: Bytes, starts: Ints, length: int, health: Health) -> Iterator[Decoded]:
    windows = np.lib.stride_tricks.sliding_window_view(data, length + FOOTER)
    columns = np.ascontiguousarray(windows[starts + HEADER].T)
    stored = np.ascontiguousarray(columns[length:].T).view("<u4")[:, 0]
    right = masked_of_columns(columns[:length]) == stored
    if not right.all():
        health.n_damaged += int(np.count_nonzero(~right))
        columns, starts = np.ascontiguousarray(columns[:, right]), starts[right]
    if len(starts):
        yield from decode_columns(columns[:length], starts)


def _decode_few(data: Bytes, starts: Ints, lengths: Ints, health: Health) -> Iterator[Decoded]:
    if not len(starts):
        return
    ends = starts + HEADER + lengths
    stored = np.lib.stride_tricks.sliding_window_view(data, FOOTER)[ends].view("<u4")[:, 0]
    right = masked_of_spans(data, starts + HEADER, lengths) == stored
    health.n_damaged += int(np.count_nonzero(~right))
    spans = zip(starts[right].tolist(), ends[right].tolist(), strict=True)
    yield from decode_each((data[a + HEADER : b].tobytes(), a) for a, b in spans)


def _in_order(found: list[Decoded], tags: Tags) -> Scalars:
    marks = sorted(
        (at, step)
        for part in found
        if part.is_start
        for at, step in zip(part.at.tolist(), part.steps.tolist(), strict=True)
    )
    parts = [part for part in found if not part.is_start]
    numbers = [tags.number(part.tag) for part in parts]
    at = np.concatenate([np.empty(0, np.int64), *(part.at for part in parts)])
    order = np.argsort(at, kind="stable")
    n_before = np.searchsorted(at[order], [mark for mark, _ in marks]).tolist()
    return Scalars(
        np.repeat(np.array(numbers, np.int32), [len(part.at) for part in parts])[order],
        np.concatenate([np.empty(0, np.int64), *(part.steps for part in parts)])[order],
        np.concatenate([np.empty(0), *(part.times for part in parts)])[order],
        np.concatenate([np.empty(0), *(part.values for part in parts)])[order],
        tuple((n, step) for n, (_, step) in zip(n_before, marks, strict=True)),
    )
