"""Curves: a run of any length as so many points as a picture has columns of pixels."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lrwatch.reviewing.report.story import Story

Floats = NDArray[np.float64]
MAX_PARTS = 50
_FAR = 1e150


@dataclass(frozen=True, slots=True)
class Curve:
    """One quantity over the steps.

    Attributes:
        steps: Where each point lies.
        middle: Mean of the finite values there.
        low: Least of them.
        high: Greatest of them.
        is_past: Whether a later part of the run wrote these steps anew.
        is_applied: Whether this is the rate as applied, where others are as scheduled.
    """

    steps: Floats
    middle: Floats
    low: Floats
    high: Floats
    is_past: bool = False
    is_applied: bool = False


@dataclass(frozen=True, slots=True)
class Curves:
    """What is drawn of a run.

    Attributes:
        first: First step.
        last: Last step, beyond the first.
        loss: The losses, a curve for each time the run went back, the last one last.
        grad_norm: The gradient norms.
        lr: The rates as scheduled and, where the back-off scaled them, as applied.
        band: Where the losses were expected: the last curve, ``low`` and ``high`` its edges.
        bad: Steps at which the loss was not finite, as many as are told apart.
    """

    first: int
    last: int
    loss: tuple[Curve, ...]
    grad_norm: tuple[Curve, ...]
    lr: tuple[Curve, ...]
    band: Curve | None
    bad: Floats


def curves(story: Story, n_columns: int) -> Curves:
    """The curves of a run in so many columns."""
    steps = np.array(story.track.step, np.float64)
    if not len(steps):
        empty = np.empty(0)
        return Curves(0, 1, (), (), (), None, empty)
    first, last = int(steps.min()), int(max(steps.max(), steps.min() + 1))
    edges = np.linspace(first, last + 1e-9, n_columns + 1)
    parts = _parts(steps)
    loss, norm, lr = (
        tuple(c for c in (_curve(steps, _array(v), edges, part) for part in parts) if len(c.steps))
        for v in (story.track.loss, story.track.grad_norm, story.track.lr)
    )
    bad = np.unique(np.digitize(steps[np.array(story.band.not_finite, np.int64)], edges))
    places = edges[np.clip(bad, 1, n_columns) - 1]
    band = _expected(story, edges) or _band(story, steps, edges, parts[-1])
    return Curves(first, last, loss, norm, (*lr, *_applied(story, edges)), band, places)


def _array(values: object) -> Floats:
    return np.array(values, np.float64)


def _parts(steps: Floats) -> list[slice]:
    """Where the run went back, at most fifty times."""
    cuts = (np.flatnonzero(np.diff(steps) < 0) + 1)[-(MAX_PARTS - 1) :].tolist()
    return [slice(a, b) for a, b in zip([0, *cuts], [*cuts, len(steps)], strict=True)]


def _curve(steps: Floats, values: Floats, edges: Floats, part: slice) -> Curve:
    x, y = steps[part], values[part]
    is_past = part.stop < len(steps)
    known = np.isfinite(y)
    x, y = x[known], np.clip(y[known], -_FAR, _FAR)
    if len(x) <= len(edges):
        return Curve(x, y, y, y, is_past)
    column = np.digitize(x, edges)
    order = np.argsort(column, kind="stable")
    column, x, y = column[order], x[order], y[order]
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    counts = np.diff(np.append(starts, len(x)))
    return Curve(
        np.add.reduceat(x, starts) / counts,
        np.add.reduceat(y / counts.repeat(counts), starts),
        np.minimum.reduceat(y, starts),
        np.maximum.reduceat(y, starts),
        is_past,
    )


def _applied(story: Story, edges: Floats) -> tuple[Curve, ...]:
    """The rate that the optimizer stepped with, if it was another than the schedule's anywhere."""
    if story.drawn is None or not story.drawn.is_scaled:
        return ()
    applied, every = story.drawn.columns["applied"], slice(0, len(story.drawn))
    curve = _curve(story.drawn.step.astype(np.float64), applied, edges, every)
    return (replace(curve, is_applied=True),)


def _expected(story: Story, edges: Floats) -> Curve | None:
    """The band that lrwatch drew while it watched: it had seen every step by then."""
    if story.drawn is None:
        return None
    steps, every = story.drawn.step.astype(np.float64), slice(0, len(story.drawn))
    low, high = (_curve(steps, story.drawn.columns[name], edges, every) for name in ("lo", "hi"))
    return _between(low, high)


def _band(story: Story, steps: Floats, edges: Floats, part: slice) -> Curve | None:
    low = _curve(steps, _array(story.band.low), edges, part)
    high = _curve(steps, _array(story.band.high), edges, part)
    return _between(low, high)


def _between(low: Curve, high: Curve) -> Curve | None:
    if not len(low.steps) or len(low.steps) != len(high.steps):
        return None
    return Curve(low.steps, low.middle, low.middle, high.middle)
