"""A review: one run that is over, as objects for a notebook."""

import os
from array import array
from collections.abc import Iterable, Iterator
from functools import cached_property
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from lrwatch.readers.reading import Reading, read
from lrwatch.readers.remote import reachable
from lrwatch.records import Action, Alert, Step, Verdict
from lrwatch.reviewing.judging import judge

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from lrwatch.reviewing.drawn import Curves


class Track:
    """The Steps that passed, as columns; what is missing is NaN."""

    def __init__(self) -> None:
        self.step = array("q")
        self.loss, self.grad_norm, self.lr, self.time = (array("d") for _ in range(4))

    def of(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Pass the Steps on."""
        for step in steps:
            self.step.append(step.step)
            self.loss.append(nan if step.loss is None else step.loss)
            self.grad_norm.append(nan if step.grad_norm is None else step.grad_norm)
            self.lr.append(nan if step.lr is None else step.lr)
            self.time.append(nan if step.time is None else step.time)
            yield step


class Review:
    """What is to be said about one run.

    Attributes:
        path: Where the run was read.
        name: What to call it: the path or URL.
        format: What wrote its log, in one word.
        verdict: Which way the rate is wrong, over the whole run.
        alerts: What was found, in order.
        actions: What the back-off did, in order.
        notes: What a reader of the numbers must know.
        n_damaged: Lines or records of the log that could not be read.
    """

    def __init__(self, reading: Reading) -> None:
        self._track = Track()
        judged = judge(reading, self._track.of(reading))
        self.path = reading.path
        self.name = reading.name
        self.format = reading.format
        self.notes = reading.notes + judged.notes
        self.n_damaged = reading.n_damaged
        self.verdict: Verdict = judged.verdict
        self.alerts: tuple[Alert, ...] = judged.alerts
        self.actions: tuple[Action, ...] = judged.actions
        self._drawn = _drawn(self.path) if judged.actions else None

    def __len__(self) -> int:
        return len(self._track.step)

    def __repr__(self) -> str:
        n_alerts = len(self.alerts)
        return (
            f"<Review of {self.name!r}: {self.verdict}, {n_alerts} alerts in {len(self):,} steps>"
        )

    @cached_property
    def frame(self) -> "pandas.DataFrame":
        """One row a Step: step, loss, grad_norm, lr, time, segment, superseded.

        A segment begins where the steps go back; what a later segment wrote anew is superseded.
        """
        import numpy as np
        import pandas as pd

        from lrwatch.readers.events.written_anew import written_anew

        track = self._track
        steps = np.frombuffer(track.step, np.int64) if len(self) else np.empty(0, np.int64)
        segment = np.cumsum(np.diff(steps, prepend=steps[:1]) < 0)
        superseded = written_anew(steps)
        columns = {name: np.array(getattr(track, name)) for name in ("loss", "grad_norm", "lr")}
        time = pd.to_datetime(np.array(track.time), unit="s", utc=True, errors="coerce")
        rest = {"time": time, "segment": segment, "superseded": superseded}
        return pd.DataFrame({"step": steps, **columns, **rest})

    @cached_property
    def alert_frame(self) -> "pandas.DataFrame":
        """One row an alert, with the fields of :class:`lrwatch.Alert`."""
        from dataclasses import asdict, fields

        import pandas as pd

        names = [field.name for field in fields(Alert)]
        return pd.DataFrame([asdict(alert) for alert in self.alerts], columns=names)

    def plot(self) -> "Figure":
        """Loss, gradient norm and rate over the steps, with the alerts (needs matplotlib)."""
        from lrwatch.reviewing.plot import plot

        title = f"{self.path.name}: {self.verdict}"
        return plot(self.frame, self.alerts, title=title, drawn=self._drawn)


def _drawn(run: Path) -> "Curves | None":
    from lrwatch.reviewing.drawn import drawn_by_watch

    return drawn_by_watch(run)


def review(
    path: str | os.PathLike[str],
    *,
    loss: str | None = None,
    grad_norm: str | None = None,
    lr: str | None = None,
    step: str | None = None,
) -> Review:
    """Read the log of a run and judge it, as it would have been judged while it ran.

    Args:
        path: As for :func:`lrwatch.read`; a URL that fsspec knows (``s3://``, ``gs://``, ``hf://``,
            ...) is fetched first. A run that lrwatch watched has the verdict of that watch, unless
            columns are named.
        loss: Name of the column of the training loss; several, joined with ``+``, are added up.
        grad_norm: Name of the column of the gradient norm.
        lr: Name of the column of the learning rate.
        step: Name of the column of the step.

    Returns:
        ``verdict``, ``alerts``, ``actions``, ``notes``, and the numbers as ``frame`` and
        ``alert_frame`` (pandas) and ``plot()`` (matplotlib).

    Raises:
        TypeError: If ``path`` is none.
        LrwatchError: If it cannot be opened, is no log, or does not say which column is the
            training loss.
    """
    with reachable(path) as place:
        reading = read(place.path, loss=loss, grad_norm=grad_norm, lr=lr, step=step)
        reading.name = place.named(reading.name)
        return Review(reading)
