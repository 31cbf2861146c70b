"""Watched: what lrwatch itself wrote about a run while it trained."""

from dataclasses import dataclass
from pathlib import Path

from lrwatch.records import Action, Alert, Step
from lrwatch.sinks.history import ledger_path, read_entries, standing_entries
from lrwatch.sinks.sides import Sides
from lrwatch.sinks.verdict_file import Standing, read_standing

MAX_RECORDS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The records of a watched run.

    Attributes:
        alerts: What it said, less what a restart from an earlier step undid; the first 10,000.
        actions: What it did, likewise.
        sides: Which way its alerts say that the rate is wrong.
        standing: Its verdict, where one was kept.
    """

    alerts: tuple[Alert, ...]
    actions: tuple[Action, ...]
    sides: Sides
    standing: Standing | None

    def fresh(self, last: Step | None) -> Standing | None:
        """The verdict that was kept, unless the run went on without it, to this last Step."""
        found = self.standing
        if found is None or (last is not None and found.is_stale(last.step, last.time)):
            return None
        return found if self.sides.holds(found) else None


def read_watched(run: Path) -> Watched:
    """What lrwatch wrote in the directory of a run."""
    path = ledger_path(run)
    entries = list(read_entries(path)) if path.is_file() else []
    sides = Sides()
    for entry in filter(None, entries):
        sides.take(entry)
    records = [entry.record for entry in standing_entries(entries)]
    return Watched(
        alerts=tuple([r for r in records if isinstance(r, Alert)][:MAX_RECORDS]),
        actions=tuple([r for r in records if isinstance(r, Action)][:MAX_RECORDS]),
        sides=sides,
        standing=read_standing(path.parent),
    )
