"""Judging: the Steps of a log go through the same watcher as those of a live run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lrwatch.readers.reading import Reading
from lrwatch.records import SEVERITIES, Alert, Step, Verdict
from lrwatch.sinks.history import ledger_path, read_ledger
from lrwatch.watcher import Watcher

MAX_ALERTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a watcher says about a run.

    Attributes:
        verdict: Which way the rate is wrong, over the whole run.
        alerts: What was found, in order; at most ``MAX_ALERTS``.
        n_steps: How many Steps the log holds.
        last_step: Number of the last of them.
    """

    verdict: Verdict
    alerts: tuple[Alert, ...]
    n_steps: int
    last_step: int | None


def judge(reading: Reading, steps: Iterable[Step] | None = None) -> Judgement:
    """Judge a log, or ``steps`` in its place.

    Where lrwatch watched the run, the alerts are those that it wrote then: what it drew for
    TensorBoard is too thin to find them again.
    """
    watcher, alerts, n_steps, last = Watcher(), list[Alert](), 0, None
    for step in reading if steps is None else steps:
        found = watcher.update(step)
        if found and len(alerts) < MAX_ALERTS:
            alerts += found
        n_steps += 1
        last = step.step
    verdict = watcher.verdict
    if reading.format == "lrwatch":
        alerts = _written(reading.path)
        verdict = _verdict(alerts, verdict)
    return Judgement(verdict=verdict, alerts=tuple(alerts), n_steps=n_steps, last_step=last)


def worst(alerts: Iterable[Alert]) -> Alert | None:
    """The alert of the highest severity; of several, one that knows the side, then the first."""
    found = [alert for alert in alerts if alert.state != "closed"]
    ranked = sorted(found, key=lambda a: (-SEVERITIES.index(a.severity), a.verdict is None, a.step))
    return ranked[0] if ranked else None


def onset(alerts: Iterable[Alert]) -> int | None:
    """First step of the first trouble that is more than a remark."""
    return min((alert.onset for alert in alerts if alert.severity != "info"), default=None)


def _written(run: Path) -> list[Alert]:
    path = ledger_path(run)
    if not path.is_file():
        return []
    records = (record for record in read_ledger(path) if isinstance(record, Alert))
    return [alert for alert, _ in zip(records, range(MAX_ALERTS), strict=False)]


def _verdict(alerts: Sequence[Alert], judged: Verdict) -> Verdict:
    """The side that an alert named which was not closed, as the watcher has it."""
    sides: dict[str, Verdict] = {}
    for alert in alerts:
        if alert.state == "closed":
            sides.pop(alert.kind, None)
        elif alert.verdict is not None:
            sides[alert.kind] = alert.verdict
    for side in reversed(sides.values()):
        return side
    return judged if judged in ("healthy", "undecided") else "undecided"
