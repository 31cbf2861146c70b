"""``lrwatch report``: what happened in a run, in words and one picture."""

from pathlib import Path
from typing import Any

import click

from lrwatch.cli._columns import asked, column_options
from lrwatch.cli._params import Place
from lrwatch.cli._readable import readable
from lrwatch.errors import LrwatchError
from lrwatch.sinks.printable import printable

EXAMPLES = """\b
Examples:
  lrwatch report runs/today -o report.html    a page with all in it
  lrwatch report metrics.csv -o report.md     Markdown, and report.png beside it
  lrwatch report train.log -o report.png      the picture alone; .svg needs no extra
"""


@click.command(short_help="Write what happened in RUN, as a page or a picture.", epilog=EXAMPLES)
@click.argument("run", type=Place(readable=False))
@click.option(
    "-o",
    "--output",
    "out",
    type=Place(path_type=Path, dir_okay=False),
    required=True,
    help="The file; its ending says the kind: .html, .md, .png or .svg.",
)
@click.option("--title", help="What to call the run, in place of its path.")
@column_options
def command(run: str, out: Path, title: str | None, **columns: Any) -> int:
    """Write what happened in RUN, for a pull request or the appendix of a paper.

    RUN is a run that lrwatch is or was attached to, or a log of any kind that `lrwatch scan`
    reads. The report says what was seen, since when, what to try and what was done, and shows
    loss, norm and rate with all of it marked. PNG needs matplotlib: pip install 'lrwatch[plot]'.
    """
    from lrwatch.readers.remote import reachable
    from lrwatch.readers.source import open_log
    from lrwatch.reviewing.report.story import tell
    from lrwatch.reviewing.report.writing import check_kind, write_report

    check_kind(out)
    if not out.absolute().parent.is_dir():
        raise click.UsageError(f"{out}: there is no such folder")
    with readable(), reachable(run) as place:
        story = tell(open_log(place.path), asked(columns), name=title or run)
    try:
        files = write_report(story, out)
    except OSError as error:
        raise LrwatchError(f"{out}: cannot be written: {error.strerror}") from error
    for file in files:
        click.echo(printable(file))
    return 0
