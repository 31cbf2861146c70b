"""Episodes: the alerts about one trouble, from its onset to its end, as one thing that happened."""

from collections.abc import Iterable
from dataclasses import dataclass

from lrwatch.records import SEVERITIES, Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One trouble of one kind.

    Attributes:
        number: Its place in the report, from 1.
        worst: The alert of its highest severity.
        onset: First step that shows it.
        step: Step at which it was told.
        end: Step at which it was over; None if it never was.
    """

    number: int
    worst: Alert
    onset: int
    step: int
    end: int | None


def episodes(alerts: Iterable[Alert]) -> list[Episode]:
    """The troubles of a run in the order in which they were told."""
    parts: list[list[Alert]] = []
    open_ones: dict[tuple[str, int], list[Alert]] = {}
    for alert in alerts:
        key = (alert.kind, alert.trouble)
        if key not in open_ones:
            open_ones[key] = []
            parts.append(open_ones[key])
        open_ones[key].append(alert)
        if alert.state == "closed":
            del open_ones[key]
    return [_episode(number, part) for number, part in enumerate(parts, 1)]


def _episode(number: int, alerts: list[Alert]) -> Episode:
    told = [alert for alert in alerts if alert.state != "closed"] or alerts
    return Episode(
        number=number,
        worst=max(told, key=lambda alert: SEVERITIES.index(alert.severity)),
        onset=min(alert.onset for alert in told),
        step=told[0].step,
        end=alerts[-1].step if alerts[-1].state == "closed" else None,
    )
