"""Judging: the Steps of a log go through the same watcher as those of a live run."""

from collections.abc import Iterable
from dataclasses import dataclass

from lrwatch.readers.reading import Reading
from lrwatch.readers.restarts import Restarts
from lrwatch.records import SEVERITIES, Action, Alert, Step, Verdict
from lrwatch.reviewing.watched import Watched, read_watched
from lrwatch.sinks.verdict_file import Standing
from lrwatch.watcher import Watcher

MAX_ALERTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a watcher says about a run.

    Attributes:
        verdict: Which way the rate is wrong, over the whole run.
        alerts: What was found, in order; at most ``MAX_ALERTS``.
        n_steps: How many Steps the log holds, of its last run if it was started anew, or, if they
            are more, the watch of the run judged.
        last_step: Number of the last of them.
        actions: What the back-off did, in order.
        standing: What the watch of the run wrote last, where that is known.
        n_starts: How many runs the log holds before the one that is judged.
    """

    verdict: Verdict
    alerts: tuple[Alert, ...]
    n_steps: int
    last_step: int | None
    actions: tuple[Action, ...] = ()
    standing: Standing | None = None
    n_starts: int = 0

    @property
    def closed(self) -> bool | None:
        """Whether the watch of the run was closed; None where no watch left a verdict."""
        return None if self.standing is None else self.standing.closed

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the verdict must know."""
        if self.standing is not None:
            return (basis(self.standing),)
        again = "once" if self.n_starts == 1 else f"{self.n_starts:,} times"
        return (f"started anew {again}; the last start is judged",) if self.n_starts else ()


def judge(reading: Reading, steps: Iterable[Step] | None = None) -> Judgement:
    """Judge a log, or ``steps`` in its place.

    Where lrwatch watched the run, alerts and verdict are those that it wrote then: what it drew
    for TensorBoard is too thin to find them again. Where the user named columns, those are judged.
    Of runs that were started one after the other in one log the last one counts.
    """
    watcher, alerts, n_steps, last = Watcher(), list[Alert](), 0, None
    restarts = Restarts()
    for step in reading if steps is None else steps:
        if restarts.begins_anew(step):
            watcher, alerts, n_steps = Watcher(), [], 0
        found = watcher.update(step)
        if found and len(alerts) < MAX_ALERTS:
            alerts += found
        n_steps += 1
        last = step
    if is_watched(reading):
        return _as_written(read_watched(reading.path), watcher.verdict, n_steps, last)
    return Judgement(
        verdict=watcher.verdict,
        alerts=tuple(alerts),
        n_steps=n_steps,
        last_step=None if last is None else last.step,
        n_starts=restarts.n_starts,
    )


def is_watched(reading: Reading) -> bool:
    """Whether what lrwatch wrote about the run counts: it did, and the user named no columns."""
    return reading.format == "lrwatch" and not reading.asked


def basis(standing: Standing) -> str:
    """What the verdict of a watch rests on, in words."""
    steps = f"{standing.n_steps:,} step{'' if standing.n_steps == 1 else 's'}"
    end = "then closed" if standing.closed else "and not closed: the run goes on, or was killed"
    return f"verdict of the watch itself: {steps} judged up to step {standing.step:,}, {end}"


def worst(alerts: Iterable[Alert]) -> Alert | None:
    """The alert of the highest severity; of several, one that knows the side, then the first."""
    found = [alert for alert in alerts if alert.state != "closed"]
    ranked = sorted(found, key=lambda a: (-SEVERITIES.index(a.severity), a.verdict is None, a.step))
    return ranked[0] if ranked else None


def onset(alerts: Iterable[Alert]) -> int | None:
    """First step of the first trouble that is more than a remark."""
    return min((alert.onset for alert in alerts if alert.severity != "info"), default=None)


def _as_written(watched: Watched, judged: Verdict, n_steps: int, last: Step | None) -> Judgement:
    standing = watched.fresh(last)
    numbers = [step.step for step in (last, standing) if step is not None]
    return Judgement(
        verdict=watched.sides.verdict(standing, judged),
        alerts=watched.alerts,
        n_steps=n_steps if standing is None else max(n_steps, standing.n_steps),
        last_step=max(numbers, default=None),
        actions=watched.actions,
        standing=standing,
    )
