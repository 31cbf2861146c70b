"""``lrwatch scan``: every run below a folder, with its verdict."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from lrwatch.cli import _summaries
from lrwatch.cli._columns import asked, column_options
from lrwatch.cli._params import Place
from lrwatch.cli._readable import NotReadableError
from lrwatch.sinks.color import wants_color
from lrwatch.sinks.printable import printable

if TYPE_CHECKING:
    from lrwatch.reviewing.summary import Summary


EXAMPLES = """\b
Examples:
  lrwatch scan runs                   every run in the folder and below
  lrwatch scan --csv runs > runs.csv  for a spreadsheet
  lrwatch scan --json runs | jq 'select(.verdict == "too_high") | .run'
  lrwatch scan --loss g_loss --lr g_lr gan-runs
  lrwatch scan s3://bucket/runs       needs fsspec and s3fs: pip install 'lrwatch[remote]' s3fs
  lrwatch scan --ray auto /shared     on the cluster; --ray local on this machine
"""


@click.command(short_help="Judge every run at or below PATH, or behind a URL.", epilog=EXAMPLES)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=Place(readable=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--csv", "as_csv", is_flag=True, help="A table separated by commas.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Number of processes.")
@click.option("--ray", metavar="ADDRESS", help="Judge on Ray: local, auto, or an address.")
@column_options
def command(
    paths: tuple[str, ...],
    as_json: bool,
    as_csv: bool,
    jobs: int | None,
    ray: str | None,
    **columns: Any,
) -> int:
    """Judge every run at or below PATH, a folder, a log, or a URL that fsspec knows.

    Reads TensorBoard's event files, trainer_state.json of Hugging Face, results.csv of YOLO,
    Lightning's and Keras's CSV logs, AlgoPerf's measurements, W&B's offline files, JSON Lines,
    tables and text logs.
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    if ray is not None and jobs is not None:
        raise click.UsageError("--ray and --jobs exclude each other")
    from lrwatch.reviewing.cluster import scan_on_ray
    from lrwatch.reviewing.scan import runs_below, scan

    runs, problems = runs_below(paths)
    for problem in problems:
        click.echo(f"Error: {printable(problem)}", err=True)
    found = []
    show = _Shown(as_json=as_json, as_csv=as_csv)
    judged = scan(runs, asked(columns), n_jobs=jobs)
    if ray is not None:
        judged = scan_on_ray(runs, asked(columns), address=ray)
    for summary in _with_progress(judged, len(runs)):
        if summary.is_empty and summary.run not in paths:
            continue
        found.append(summary)
        show.one(summary)
    show.rest()
    if not as_json and not as_csv:
        click.echo(_summaries.totals(found), err=True)
    return 0 if any(summary.verdict for summary in found) else NotReadableError.exit_code


class _Shown:
    """Prints each summary as it comes; after the progress bar if there is one.

    Args:
        as_json: Whether to print JSON.
        as_csv: Whether to print CSV.
    """

    def __init__(self, *, as_json: bool, as_csv: bool) -> None:
        self._as_json = as_json
        self._as_csv = as_csv
        self._color = wants_color(sys.stdout)
        self._held: list[str] | None = [] if sys.stderr.isatty() else None
        self._n_lines = 0

    def one(self, summary: "Summary") -> None:
        """Print one, or keep it until the bar is gone."""
        for line in self._lines(summary):
            if self._held is not None:
                self._held.append(line)
            else:
                click.echo(line, color=True)

    def rest(self) -> None:
        """Print what was kept."""
        for line in self._held or ():
            click.echo(line, color=True)

    def _lines(self, summary: "Summary") -> Iterator[str]:
        self._n_lines += 1
        if self._as_json:
            yield _summaries.as_json(summary)
        elif self._as_csv:
            yield from [_summaries.csv_header()] if self._n_lines == 1 else []
            yield _summaries.as_csv(summary)
        else:
            yield from [_summaries.HEADER] if self._n_lines == 1 else []
            yield from _summaries.as_text(summary, color=self._color)


def _with_progress(summaries: Iterator["Summary"], n_runs: int) -> Iterator["Summary"]:
    if not sys.stderr.isatty():
        yield from summaries
        return
    with click.progressbar(
        summaries, length=n_runs, label="runs", file=sys.stderr, show_pos=True
    ) as bar:
        yield from bar
