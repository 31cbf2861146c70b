"""``lrwatch live``: runs as they are, on one screen that updates."""

import math
import os
import sys
import time
from collections import deque
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrwatch.cli._columns import asked, column_options
from lrwatch.cli._group import NOT_FOUND
from lrwatch.cli._params import Place
from lrwatch.sinks.color import ColorChoice, wants_color

if TYPE_CHECKING:
    from lrwatch.live.fleet import Fleet

_COLORS: tuple[ColorChoice, ...] = ("auto", "always", "never")
_STATUS_S = 30.0
_SHARE = 0.5

EXAMPLES = """\b
Examples:
  lrwatch live runs/today              a run that lrwatch is attached to
  lrwatch live metrics.csv train.log   logs that something else writes
  lrwatch live runs                    every run below the folder, and those that begin
  lrwatch live --once runs             the runs as they are now
"""


@click.command(short_help="Show RUN on one screen while it trains.", epilog=EXAMPLES)
@click.argument(
    "runs",
    metavar="RUN...",
    nargs=-1,
    required=True,
    type=Place(path_type=Path, readable=False),
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0.05, max=3600),
    default=0.5,
    show_default=True,
    help="Seconds between two looks at the files.",
)
@click.option("--once", is_flag=True, help="Show the runs as they are now, and end.")
@click.option("--ascii", "is_ascii", is_flag=True, help="Draw with ASCII only.")
@click.option(
    "--color",
    type=click.Choice(_COLORS),
    default="auto",
    show_default=True,
    help="Colours; auto: on a terminal, unless NO_COLOR is set.",
)
@column_options
def command(
    runs: tuple[Path, ...],
    interval: float,
    once: bool,
    is_ascii: bool,
    color: ColorChoice,
    **columns: Any,
) -> int:
    """Show steps, speed, loss, norm, rate, verdict and alerts of RUN while it trains.

    RUN is the directory of a run, a log of any kind that `lrwatch scan` reads, or a folder of
    runs. On a terminal it is one screen, left with q; elsewhere, plain lines. Needs rich for the
    screen: pip install 'lrwatch[live]'.
    """
    from lrwatch.live.fleet import Fleet

    missing = [run for run in runs if not run.exists()]
    if missing and once:
        raise FileNotFoundError(f"no run at {missing[0]}")
    with closing(Fleet(runs, asked(columns))) as fleet:
        if once:
            return _show_once(fleet, is_ascii=is_ascii, color=color)
        if _is_screen():
            _show_screen(fleet, interval, is_ascii=is_ascii, color=color)
        else:
            _show_lines(fleet, interval, color=color)
    return 0


def _is_screen() -> bool:
    """Whether there is a terminal on which lines can be overwritten."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _show_once(fleet: "Fleet", *, is_ascii: bool, color: ColorChoice) -> int:
    from lrwatch.cli._live_screen import shown_once

    now_s = time.time()
    deque(fleet.poll(now_s, budget_s=math.inf), maxlen=0)
    for run in fleet.runs:
        run.settle()
    is_colored = wants_color(sys.stdout, color)
    glances = fleet.glances(now_s)
    for line in shown_once(glances, is_ascii=is_ascii, is_colored=is_colored):
        click.echo(line, color=True)
    is_any_readable = any(glance.step is not None or not glance.problem for glance in glances)
    return 0 if is_any_readable else NOT_FOUND


def _show_screen(fleet: "Fleet", interval: float, *, is_ascii: bool, color: ColorChoice) -> None:
    from lrwatch.cli._live_screen import Screen, shown_once
    from lrwatch.live.keys import keys

    is_colored = wants_color(sys.stdout, color)
    with Screen(is_ascii=is_ascii, is_colored=is_colored) as screen, keys() as typed:
        while True:
            now_s = time.time()
            deque(fleet.poll(now_s, budget_s=_SHARE * interval), maxlen=0)
            screen.show(fleet.glances(now_s))
            if typed.wait(interval) in ("q", "Q"):
                break
    for line in shown_once(fleet.glances(time.time()), is_ascii=is_ascii, is_colored=is_colored):
        click.echo(line, color=True)


def _show_lines(fleet: "Fleet", interval: float, *, color: ColorChoice) -> None:
    from lrwatch.cli._live_lines import Lines

    lines = Lines(is_colored=wants_color(sys.stdout, color), every_s=max(_STATUS_S, interval))
    while True:
        now_s = time.time()
        for run, entry in fleet.poll(now_s, budget_s=_SHARE * interval):
            lines.entry(run.name, entry)
        lines.statuses(fleet.glances(now_s), now_s)
        time.sleep(interval)
