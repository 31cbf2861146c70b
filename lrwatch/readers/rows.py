"""Rows: what the lines of a log say, name by name, made into Steps."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from lrwatch.readers.columns import Columns, plain_name
from lrwatch.readers.lines import Row
from lrwatch.records import Step

MAX_STEP = 2.0**62
_TIME = "_timestamp"
_EPOCHS = {"epoch", "epochs", "train_epoch", "current_epoch"}


@dataclass(frozen=True, slots=True)
class Clock:
    """How the number of a step is found in a row.

    Attributes:
        step: Column of the step; None counts the rows that hold a loss or a norm.
        epoch: Column of the epoch, where the step starts again with every epoch.
    """

    step: str | None
    epoch: str | None = None


def clock_of(head: Sequence[Row], columns: Columns) -> Clock:
    """The clock that fits the first rows of a log.

    A column of steps that are fractions, that are all too large, or that stands still from loss
    to loss, is not used.
    """
    step = columns.step
    if step is None:
        return Clock(None)
    beside = columns.loss or (columns.grad_norm,)
    seen = [row for row in head if step in row and any(name in row for name in beside)]
    seen = [row for row in seen if abs(row[step]) < MAX_STEP]
    steps = [row[step] for row in seen]
    pairs = list(pairwise(steps))
    fractions = any(not x.is_integer() for x in steps)
    if not seen or fractions or (pairs and sum(a == b for a, b in pairs) * 2 > len(pairs)):
        return Clock(None)
    epochs = [
        name for row in seen[:1] for name in row if plain_name(name) in _EPOCHS and name != step
    ]
    back = [(a, b) for a, b in pairwise(seen) if b[step] < a[step]]
    if epochs and back and all(b.get(epochs[0], 0) > a.get(epochs[0], 0) for a, b in back):
        return Clock(step, epochs[0])
    return Clock(step)


def steps_of(rows: Iterable[Row], columns: Columns, clock: Clock) -> Iterator[Step]:
    """Steps in the order of the rows.

    Neighbouring rows of one step that do not contradict each other are one Step. A rate that
    stands alone belongs to the next Step that has none.
    """
    joining = Joining(columns, clock)
    yield from joining.feed(rows)
    yield from joining.finish()


class Joining:
    """Makes Steps of rows that come little by little; the last one waits for what joins it.

    Args:
        columns: Which columns are the loss, the norm, the rate and the step.
        clock: How the number of a step is found.
    """

    def __init__(self, columns: Columns, clock: Clock) -> None:
        self._columns = columns
        self._numbered = _Numbered(clock)
        self._held: Step | None = None
        self._told: Step | None = None
        self._loss: float | None = None
        self._lr: float | None = None

    def feed(self, rows: Iterable[Row]) -> Iterator[Step]:
        """The Steps that the rows complete."""
        for row in rows:
            step = self._single(row)
            if step is None or (self._told is not None and _joins(self._told, step)):
                continue
            self._told = None
            if self._held is None:
                self._held = step
            elif _joins(self._held, step):
                self._held = _joined(self._held, step)
            elif self._is_stale(self._held, step):
                self._held = step
            else:
                before, self._held = self._held, step
                self._loss = before.loss
                yield from self._with_lr(before)

    def _is_stale(self, held: Step, step: Step) -> bool:
        """Whether a row said the loss of the step before it, until its own came.

        So a bar is drawn: at the next step with the last loss, then with the new one.
        """
        is_same = held.step == step.step and held.grad_norm is None
        return is_same and step.loss is not None and held.loss in (step.loss, self._loss)

    def finish(self) -> Iterator[Step]:
        """The last Step, as far as it is known; what joins it later is left out."""
        held = self._held
        if held is not None and not (held.loss is None and held.grad_norm is None):
            self._told, self._held = held, None
            yield from self._with_lr(held)

    def _single(self, row: Row) -> Step | None:
        """The Step of a row; None if the row says nothing."""
        loss = _sum(row, self._columns.loss)
        norm, lr = _get(row, self._columns.grad_norm), _get(row, self._columns.lr)
        if loss is None and norm is None and lr is None:
            return None
        number = self._numbered.of(row, counts=loss is not None or norm is not None)
        if number is None:
            return None
        return Step(step=number, loss=loss, grad_norm=norm, lr=lr, time=row.get(_TIME))

    def _with_lr(self, step: Step) -> Iterator[Step]:
        """The Step with a rate that stood alone before it; nothing for such a rate itself."""
        if step.loss is None and step.grad_norm is None:
            self._lr = step.lr
            return
        yield replace(step, lr=self._lr) if step.lr is None and self._lr is not None else step
        self._lr = None


class _Numbered:
    """Gives every row its step, counted on over epochs where the column starts again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._n_rows = 0
        self._base = 0
        self._last = 0
        self._epoch: float | None = None

    def of(self, row: Row, *, counts: bool) -> int | None:
        """The step; None where the row has none, or one beyond 2**62."""
        if self._clock.step is None:
            self._n_rows += counts
            return self._n_rows - counts
        value = row.get(self._clock.step)
        if value is None or not abs(value) < MAX_STEP:
            return None
        if self._clock.epoch is None:
            return int(value)
        epoch = row.get(self._clock.epoch, self._epoch)
        if self._epoch is not None and epoch is not None and epoch > self._epoch:
            self._base = self._last + 1 - (int(value) > 0)
        self._epoch = epoch
        self._last = self._base + int(value)
        return self._last


def _joins(before: Step, step: Step) -> bool:
    """Whether two rows speak of one step without contradiction."""
    twice = before.loss is not None and step.loss is not None
    twice |= before.grad_norm is not None and step.grad_norm is not None
    return before.step == step.step and not twice


def _joined(before: Step, step: Step) -> Step:
    return replace(
        before,
        loss=before.loss if step.loss is None else step.loss,
        grad_norm=before.grad_norm if step.grad_norm is None else step.grad_norm,
        lr=before.lr if step.lr is None else step.lr,
    )


def _get(row: Row, name: str | None) -> float | None:
    return None if name is None else row.get(name)


def _sum(row: Row, names: Sequence[str]) -> float | None:
    if len(names) == 1:
        return row.get(names[0])
    parts = [row[name] for name in names if name in row]
    return sum(parts) if names and len(parts) == len(names) else None
