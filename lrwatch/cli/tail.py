"""``lrwatch tail``: the alerts and actions of a run, the last ones or as they come."""

import math
import time
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import click

from lrwatch.cli import _params
from lrwatch.cli._columns import asked, column_options
from lrwatch.cli._notified import Notified, notify_options
from lrwatch.cli._params import Place
from lrwatch.cli._tailed import Named, Printer, Selection
from lrwatch.cli._tailed_log import TailedRun
from lrwatch.records import SEVERITIES, Severity
from lrwatch.sinks.color import ColorChoice

_POLL_S = 0.1
_N_AT_ONCE = 100
_LEVELS = "|".join(SEVERITIES)
_COLORS: tuple[ColorChoice, ...] = ("auto", "always", "never")
_LINES_HELP = "How many of those that are there already [default: 10]."
_LEVEL_HELP = f"Only what is at least this: {_LEVELS}."

EXAMPLES = """\b
Examples:
  lrwatch tail runs/today              the last ten lines
  lrwatch tail -f runs/today           and those that come
  lrwatch tail -F runs/tomorrow        wait for a run that has not begun
  lrwatch tail -f metrics.csv          judge a log that something else writes
  lrwatch tail -F --level critical --exec "notify-send lrwatch" runs/today
  lrwatch tail --since 2h --level critical --json runs/today
"""


@click.command(epilog=EXAMPLES)
@click.argument(
    "runs",
    metavar="RUN...",
    nargs=-1,
    required=True,
    type=Place(path_type=Path, readable=False),
)
@click.option("-n", "--lines", default=10, type=click.IntRange(min=0), help=_LINES_HELP)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is appended.")
@click.option("-F", "by_name", is_flag=True, help="As -f; wait for a file, follow a new one.")
@click.option("--since", callback=_params.since, help="Only from then on: 10m, 2h or an ISO time.")
@click.option(
    "--level",
    callback=_params.level,
    default="info",
    help=_LEVEL_HELP,
    shell_complete=_params.levels,
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--color",
    type=click.Choice(_COLORS),
    default="auto",
    show_default=True,
    help="Colours; auto: on a terminal, unless NO_COLOR is set.",
)
@click.option("--exit-code", is_flag=True, help="Exit 10 after a warning, 20 after a critical one.")
@notify_options
@column_options
def command(
    runs: tuple[Path, ...],
    lines: int,
    follow: bool,
    by_name: bool,
    since: float | None,
    level: Severity,
    as_json: bool,
    color: ColorChoice,
    exit_code: bool,
    program: str | None,
    webhook: bool,
    **columns: Any,
) -> int:
    """Show the alerts and actions of RUN, one a line.

    RUN is the directory of a run, its lrwatch/ folder or an alerts.jsonl. A run that lrwatch was
    never attached to is judged from its log as that grows: event files, CSV, JSON Lines, text and
    whatever else `lrwatch scan` reads.
    """
    if (program is not None or webhook) and not (follow or by_name):
        raise click.UsageError("--exec and --webhook tell of what comes: add -f or -F")
    selection = Selection(since=since, level=level)
    printer = Printer(as_json=as_json, color=color, with_names=len(runs) > 1)
    tailed = [TailedRun(run, selection, asked(columns), by_name=by_name) for run in runs]
    with ExitStack() as stack:
        for one in tailed:
            stack.callback(one.close)
        notified = Notified(stack, program=program, webhook=webhook)
        found = [pair for one in tailed for pair in one.last(lines, whole=not (follow or by_name))]
        found.sort(key=_time)
        for one in tailed if not as_json else ():
            one.introduce()
        printer.show(found[-lines:] if lines else [])
        if follow or by_name:
            _follow(tailed, printer, notified)
    return max(one.worst_code() for one in tailed) if exit_code else 0


def _follow(tailed: Iterable[TailedRun], printer: Printer, notified: Notified) -> None:
    while True:
        for one in tailed:
            found = one.new()
            while some := list(islice(found, _N_AT_ONCE)):
                printer.show(some)
                notified.tell(some)
        time.sleep(_POLL_S)


def _time(named: Named) -> float:
    """When it was written; what bears no time comes first."""
    return -math.inf if math.isnan(named[1].time) else named[1].time
