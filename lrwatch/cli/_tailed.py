"""What ``lrwatch tail`` reads, which of it is shown, and how."""

import json
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from lrwatch.live.sparkline import duration
from lrwatch.records import SEVERITIES, Action, Alert, Severity, plain
from lrwatch.sinks.color import ColorChoice, wants_color
from lrwatch.sinks.follow import Follower
from lrwatch.sinks.history import ledger_path, read_entries, standing_entries
from lrwatch.sinks.ledger_line import Entry, decode
from lrwatch.sinks.lines import line, severity_of
from lrwatch.sinks.printable import printable
from lrwatch.sinks.sides import Sides
from lrwatch.sinks.verdict_file import read_standing

Named = tuple[str, Entry]

_WORST_CODES = {"info": 0, "warning": 10, "critical": 20}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which entries are shown.

    Attributes:
        since: Earliest time, in seconds since the epoch.
        level: Lowest severity.
    """

    since: float | None = None
    level: Severity = "info"

    def holds(self, entry: Entry) -> bool:
        """Whether the entry is to be shown."""
        if entry.record is None or (self.since is not None and entry.time < self.since):
            return False
        severity = severity_of(entry.record)
        rank = SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
        return rank >= SEVERITIES.index(self.level)


class Tailed:
    """One run that is read; what befalls its file is said on stderr.

    Args:
        run: The run, as the user named it.
        selection: Which entries count.
        by_name: Whether to wait for the file, and to follow one that replaces it.
    """

    def __init__(self, run: Path, selection: Selection, *, by_name: bool) -> None:
        self._run = run
        self._selection = selection
        self._by_name = by_name
        self._follower: Follower | None = None
        self._sides = Sides()
        self._standing: deque[Entry] = deque(maxlen=0)

    def last(self, n: int, *, whole: bool) -> list[Named]:
        """The last ``n`` entries; of the ``whole`` file, or of what is to be followed."""
        self._standing = deque(maxlen=n)
        found = self._selected(read_entries(self._found())) if whole else self.new()
        return list(deque(found, maxlen=n))

    def worst_code(self) -> int:
        """The exit code for the last entries, less what a restart from an earlier step undid."""
        return worst_code(self._standing)

    def new(self) -> Iterator[Named]:
        """The entries that came since the last call, one by one: there may be any number."""
        if self._follower is None:
            self._follower = Follower(self._found(), by_name=self._by_name)
        lines = self._follower.poll()
        yield from self._selected(entry for raw in lines for entry in decode(raw))
        if self._follower.notice:
            say(self._run, self._follower.notice)

    def introduce(self) -> None:
        """Say the verdict that the watch keeps, if it does."""
        standing = read_standing(ledger_path(self._run).parent)
        if standing is None or not self._sides.holds(standing):
            return
        age = "closed" if standing.closed else f"{duration(time.time() - standing.time)} ago"
        words = f"at step {standing.step:,} ({standing.n_steps:,} steps judged, {age})"
        say(self._run, f"{self._sides.verdict(standing, 'undecided')} {words}")

    def close(self) -> None:
        """Let go of the file."""
        if self._follower is not None:
            self._follower.close()

    def _found(self) -> Path:
        path = ledger_path(self._run)
        if path.exists() or self._by_name:
            return path
        hint = "; -F waits for it" if self._run.exists() else ""
        raise FileNotFoundError(f"no alerts at {path}{hint}")

    def _selected(self, entries: Iterator[Entry | None]) -> Iterator[Named]:
        n_broken = 0
        for entry in entries:
            if entry is None:
                n_broken += 1
                continue
            self._sides.take(entry)
            if entry.record is None:
                kept = standing_entries([*self._standing, entry])
                self._standing = deque(kept, self._standing.maxlen)
            if self._selection.holds(entry):
                self._standing.append(entry)
                yield self._run.name, entry
        if n_broken:
            say(self._run, f"{n_broken} broken line{'s' if n_broken > 1 else ''} skipped")


def worst_code(entries: Iterable[Entry]) -> int:
    """The exit code for these: 20 after a critical one, 10 after a warning, else 0."""
    severities = [severity_of(entry.record) for entry in entries if entry.record is not None]
    return max((_WORST_CODES.get(severity, 0) for severity in severities), default=0)


def say(run: Path, words: object) -> None:
    """Tell on stderr what befell a run."""
    click.echo(f"lrwatch tail: {printable(run)}: {printable(words)}", err=True)


class Printer:
    """Prints entries to stdout, each at once.

    Args:
        as_json: Whether to print the objects rather than lines for people.
        color: Whether to colour the level.
        with_names: Whether to say of which run a line is.
    """

    def __init__(self, *, as_json: bool, color: ColorChoice, with_names: bool = False) -> None:
        self._as_json = as_json
        self._with_names = with_names
        self._color = wants_color(sys.stdout, color)

    def show(self, named: Iterable[Named]) -> None:
        """Print the entries, each of which comes with the name of its run."""
        for name, entry in named:
            if entry.record is None:
                continue
            sys.stdout.write(self._text(name, entry, entry.record) + "\n")
        sys.stdout.flush()

    def _text(self, name: str, entry: Entry, record: Alert | Action) -> str:
        if self._as_json:
            return json.dumps(plain(entry.raw), separators=(",", ":"))
        shown = line(record, time_s=entry.time, color=self._color)
        return f"{printable(name, limit=40)}: {shown}" if self._with_names else shown
