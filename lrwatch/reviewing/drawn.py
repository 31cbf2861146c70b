"""Drawn: what event files hold of a run as columns, one row a step, as TensorBoard draws it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrwatch.readers.events.events import Scalars, Tags, read_scalars, superseded
from lrwatch.readers.events.framing import Health
from lrwatch.readers.folders import OWN, event_files
from lrwatch.sinks.charts import GRAD_NORM, LOSS, LR, LR_APPLIED

Floats = NDArray[np.float64]
_SAME = 1e-6
COLUMNS = ("loss", "lo", "hi", "norm", "lr", "applied")
OWN_TAGS: Mapping[str, Sequence[str]] = {
    "loss": (LOSS,),
    "lo": (f"{LOSS}_lo",),
    "hi": (f"{LOSS}_hi",),
    "norm": (GRAD_NORM,),
    "lr": (LR, f"{LR}/0"),
    "applied": (LR_APPLIED, f"{LR_APPLIED}/0"),
}


@dataclass(frozen=True, slots=True)
class Curves:
    """Columns of equal length; what was not written is NaN.

    Attributes:
        step: Numbers of the steps, never going back.
        columns: By name: loss, lower and upper end of its expected band, gradient norm, rate as
            scheduled and as applied.
        bad: Where a loss was written that is NaN or infinite.
    """

    step: NDArray[np.int64]
    columns: dict[str, Floats]
    bad: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.step)

    @property
    def is_scaled(self) -> bool:
        """Whether the rate as applied was another than the schedule's at any step."""
        scheduled, applied = self.columns["lr"], self.columns["applied"]
        return bool((np.abs(applied - scheduled) > _SAME * np.abs(scheduled)).any())


def drawn_by_watch(run: Path) -> Curves | None:
    """What lrwatch drew of a run while it watched it; None where it drew nothing."""
    found = drawn(event_files(run / OWN))
    return found if len(found) else None


def drawn(files: Sequence[Path], names: Mapping[str, Sequence[str]] = OWN_TAGS) -> Curves:
    """The curves of event files, as TensorBoard draws them; no Step is made one by one.

    Args:
        files: The files, in the order in which they were written.
        names: For each column the tags that may hold it, of which the first that is there counts.
    """
    tags = Tags()
    scalars = read_scalars(files, tags, Health())
    scalars = scalars[~superseded(scalars)]
    series = {name: _series(scalars, tags, names.get(name, ())) for name in COLUMNS}
    step = _merged([steps for steps, _ in series.values()])
    columns = {name: np.full(len(step), nan) for name in COLUMNS}
    for name, (steps, values) in series.items():
        columns[name][np.searchsorted(step, steps)] = values
    bad = np.zeros(len(step), bool)
    steps, values = series["loss"]
    bad[np.searchsorted(step, steps[~np.isfinite(values)])] = True
    return Curves(step, columns, bad)


def _series(scalars: Scalars, tags: Tags, names: Sequence[str]) -> tuple[NDArray[np.int64], Floats]:
    """Steps and values of the first of the tags that there is, in order of the steps."""
    number = next((tags.names.index(name) for name in names if name in tags.names), -1)
    found = scalars[scalars.tags == number]
    order = np.argsort(found.steps, kind="stable")
    return found.steps[order], found.values[order]


def _merged(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """All steps once, in order; of sorted parts a stable sort is several times np.unique."""
    every = np.sort(np.concatenate(parts), kind="stable")
    return every[np.append(True, every[1:] != every[:-1])] if len(every) else every
