"""Studying: one run read in full, as the tab draws it; runs in a process of its own."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lrwatch.plugin.curves import Gathered
from lrwatch.plugin.frames import Arrays
from lrwatch.plugin.mark import mark_of
from lrwatch.plugin.story import Told, story, told_by_ledger
from lrwatch.readers.folders import OWN, event_files
from lrwatch.readers.reading import Reading
from lrwatch.readers.source import open_log
from lrwatch.records import Alert, Step
from lrwatch.reviewing.drawn import Curves, drawn
from lrwatch.reviewing.judging import MAX_ALERTS
from lrwatch.reviewing.summary import Summary, summary_or_error
from lrwatch.reviewing.watched import read_watched
from lrwatch.sinks.printable import printable
from lrwatch.watcher import Watcher

Part = tuple[dict[str, Any], Arrays]
LONG = 2 << 20


def summary_of(run: str) -> dict[str, Any]:
    """The line of the table about a run, with nothing in it that could not be shown."""
    return _shown(summary_or_error(run, {}))


def study(run: str) -> Iterator[Part]:
    """The curves of a run, with its story; where judging takes long, first without.

    Raises:
        LrwatchError: If it cannot be read.
        OSError: If it cannot be opened.
    """
    reading = Reading(open_log(run), {})
    if reading.format == "lrwatch":
        files = event_files(Path(run) / OWN)
        curves = drawn(files)
        yield _part(curves, story(told_by_ledger(Path(run))), reading, _kept(Path(run), curves))
        return
    if mark_of(run).n_bytes > LONG:
        yield _part(_at_once(reading), None, reading)
    yield _judged(run)


def _at_once(reading: Reading) -> Curves:
    """The curves without a judgement, as fast as they can be had."""
    columns, path = reading.columns, reading.path
    if reading.format == "tensorboard" and len(columns.loss) < 2:
        chosen = {"loss": columns.loss, "norm": (columns.grad_norm,), "lr": (columns.lr,)}
        tags = {name: [tag for tag in found if tag] for name, found in chosen.items()}
        return drawn(event_files(path) if path.is_dir() else [path], tags)
    gathered = Gathered()
    for step in reading:
        gathered.add(step, None)
    return gathered.curves()


def _judged(run: str) -> Part:
    """The second reading: every Step judged, with the band in which its loss was expected."""
    watcher, gathered, alerts = Watcher(), Gathered(), list[Alert]()
    reading = Reading(open_log(run), {})
    for step in reading:
        gathered.add(step, watcher.band)
        alerts += watcher.update(step) if len(alerts) < MAX_ALERTS else ()
    return _part(gathered.curves(), story(Told(record=alert) for alert in alerts), reading)


def _kept(run: Path, curves: Curves) -> dict[str, Any]:
    """What the verdict of the watch rests on, if it kept one."""
    last = Step(step=int(curves.step[-1])) if len(curves) else None
    standing = read_watched(run).fresh(last)
    return {"n_judged": standing.n_steps, "closed": standing.closed} if standing else {}


def _part(
    curves: Curves,
    told: dict[str, Any] | None,
    reading: Reading,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Part:
    columns = reading.columns
    about = {
        "watched": reading.format == "lrwatch",
        "format": reading.format,
        "tags": [printable(name, limit=100) for name in sorted(columns.names)],
        "notes": [printable(note) for note in reading.notes],
        "n_damaged": reading.n_damaged,
        "n_steps": len(curves),
        **more,
    }
    arrays = {"step": curves.step, "bad": curves.bad, **curves.columns}
    return {"about": about, "story": told}, arrays


def _shown(summary: Summary) -> dict[str, Any]:
    worst = summary.worst
    return {
        "verdict": summary.verdict,
        "severity": worst.severity if worst else None,
        "kind": printable(worst.kind, limit=40) if worst else None,
        "message": printable(worst.message) if worst else "",
        "advice": printable(worst.advice) if worst else "",
        "onset": summary.onset,
        "n_steps": summary.n_steps,
        "last_step": summary.last_step,
        "n_alerts": summary.n_alerts,
        "format": printable(summary.format, limit=40),
        "error": printable(summary.error),
    }
