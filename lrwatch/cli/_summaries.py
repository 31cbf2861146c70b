"""How a summary of a run is shown: as lines of a table, as JSON, as CSV."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lrwatch.detectors.hindsight import MIN_STEPS
from lrwatch.sinks.color import colored
from lrwatch.sinks.lines import LEVEL_WORDS
from lrwatch.sinks.printable import printable

if TYPE_CHECKING:
    from lrwatch.reviewing.summary import Summary

_NONE = "-"
_INDENT = " " * 12
_CSV = ("run", "format", "verdict", "steps", "onset", "kind", "severity", "message", "advice")
_FORMULA = ("=", "+", "-", "@")

HEADER = f"{'verdict':<10}  {'worst':<5}  {'onset':>9}  {'steps':>11}  {'format':<12}  run"


def as_text(summary: "Summary", *, color: bool) -> Iterator[str]:
    """A line of the table, and below it what was found and what to try."""
    worst = summary.worst
    level = f"{LEVEL_WORDS[worst.severity]:<4}" if worst else f"{_NONE:<4}"
    cells = [
        f"{summary.verdict or 'unreadable':<10}",
        f"{colored(level) if color and worst else level} ",
        f"{_whole(summary.onset):>9}",
        f"{_whole(summary.n_steps or None):>11}",
        f"{summary.format or _NONE:<12}",
        printable(summary.run, limit=300),
    ]
    yield "  ".join(cells)
    if summary.error:
        yield _INDENT + printable(summary.error)
    if worst:
        yield _INDENT + printable(f"{worst.kind}: {worst.message}")
        if worst.advice:
            yield _INDENT + printable(f"try: {worst.advice}")
    if summary.n_damaged:
        yield f"{_INDENT}{summary.n_damaged:,} damaged lines or records left out"


def as_json(summary: "Summary") -> str:
    """One object in one line of ASCII."""
    return json.dumps(summary.as_json(), allow_nan=False, separators=(",", ":"))


def csv_header() -> str:
    """Names of the columns."""
    return _csv_line(_CSV)


def as_csv(summary: "Summary") -> str:
    """One line; no cell can be taken for a formula."""
    worst = summary.worst
    found = (worst.kind, worst.severity, worst.message, worst.advice) if worst else ("",) * 4
    verdict = summary.verdict or f"unreadable: {summary.error}"
    onset = "" if summary.onset is None else summary.onset
    cells = (summary.run, summary.format, verdict, summary.n_steps, onset, *found)
    return _csv_line(printable(cell) for cell in cells)


def totals(summaries: Iterable["Summary"]) -> str:
    """How many runs of each verdict there are, and what undecided ones may lack."""
    every = list(summaries)
    counts = Counter(summary.verdict or "unreadable" for summary in every)
    words = ", ".join(f"{n:,} {verdict}" for verdict, n in counts.most_common())
    n_short = sum(s.verdict == "undecided" and s.n_steps < MIN_STEPS for s in every)
    if n_short:
        words += (
            f"\nundecided: {n_short:,} with fewer than the {MIN_STEPS} steps that a verdict takes"
        )
    n_runs = counts.total()
    return f"{n_runs:,} run{'s' if n_runs != 1 else ''}: {words}" if n_runs else "no runs"


def _whole(number: int | None) -> str:
    return _NONE if number is None else f"{number:,}"


def _csv_line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    safe = (f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)
    csv.writer(text, lineterminator="").writerow(safe)
    return text.getvalue()
