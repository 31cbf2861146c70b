"""The story of a run: its alerts and actions, and from where to where each of them went."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrwatch.records import SEVERITIES, Action, Alert, plain, to_dict
from lrwatch.sinks.history import ledger_path, read_entries, standing_entries
from lrwatch.sinks.lines import severity_of, state_word
from lrwatch.sinks.printable import printable

MAX_TOLD = 2000
_TEXTS = ("message", "advice", "reason")
_TEXT_LIMIT = 1000
_MAX_EVIDENCE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An alert or action with its circumstances.

    Attributes:
        record: What was written.
        time: When, in seconds since the epoch; None if that is not known.
        segment: Name of the part of the run, from a start or resume on, that wrote it.
    """

    record: Alert | Action
    time: float | None = None
    segment: str = ""


def told_by_ledger(run: Path) -> list[Told]:
    """What lrwatch wrote while it watched, less what a restart from an earlier step undid."""
    path = ledger_path(run)
    entries = standing_entries(read_entries(path)) if path.is_file() else []
    return [
        Told(record=entry.record, time=entry.time, segment=entry.run)
        for entry in entries
        if entry.record is not None
    ]


def story(told: Iterable[Told]) -> dict[str, Any]:
    """Records and spans as strict JSON has them; of very many records, the first and last."""
    every = list(told)
    kept = every if len(every) <= MAX_TOLD else [*every[: MAX_TOLD // 2], *every[-MAX_TOLD // 2 :]]
    return {
        "records": [_record(number, one) for number, one in enumerate(kept)],
        "spans": list(_spans(every)),
        "n_left_out": len(every) - len(kept),
    }


def _record(number: int, told: Told) -> dict[str, Any]:
    record = told.record
    fields = to_dict(record)
    for name in _TEXTS:
        if name in fields:
            fields[name] = printable(fields[name], limit=_TEXT_LIMIT)
    if isinstance(record, Alert):
        fields["evidence"] = _evidence(record.evidence)
    return {
        **fields,
        "id": number,
        "type": "alert" if isinstance(record, Alert) else "action",
        "kind": printable(record.kind, limit=40),
        "severity": _known(severity_of(record)),
        "state": state_word(record),
        "time": told.time,
        "trouble": _trouble(told),
    }


def _evidence(evidence: Mapping[str, Any]) -> list[list[Any]]:
    """Pairs of a name and a number or words."""
    rows = []
    for name, value in list(evidence.items())[:_MAX_EVIDENCE]:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        rows.append([printable(name, limit=80), plain(value) if is_number else printable(value)])
    return rows


def _trouble(told: Told) -> str:
    """One name for all that belongs to a trouble; those without a number stand alone."""
    number = told.record.trouble
    return f"{printable(told.segment, limit=20)}:{number}" if number else ""


def _spans(every: Iterable[Told]) -> Iterator[dict[str, Any]]:
    """Of each kind in a trouble, from its onset to its end; None for one that did not end."""
    found: dict[tuple[str, str], list[Alert]] = {}
    for number, told in enumerate(every):
        if isinstance(told.record, Alert):
            name = _trouble(told) or f"alone:{number}"
            found.setdefault((name, told.record.kind), []).append(told.record)
    for (name, kind), alerts in list(found.items())[:MAX_TOLD]:
        ends = [alert.step for alert in alerts if alert.state == "closed"]
        is_over = alerts[-1].state == "closed"
        worst = max(alerts, key=lambda alert: SEVERITIES.index(_known(alert.severity)))
        yield {
            "trouble": name,
            "kind": printable(kind, limit=40),
            "from": min(alert.onset for alert in alerts),
            "to": max(ends) if is_over else None,
            "severity": _known(worst.severity),
        }


def _known(severity: str) -> Any:
    return severity if severity in SEVERITIES else "warning"
