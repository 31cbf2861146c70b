"""``lrwatch disarm``: takes the back-off off a run that is under way."""

from pathlib import Path

import click

from lrwatch.cli._params import Place
from lrwatch.sinks.printable import printable
from lrwatch.sinks.verdict_file import read_standing

EXAMPLES = """\b
Example:
  lrwatch disarm runs/today
"""


@click.command(epilog=EXAMPLES)
@click.argument("run", type=Place(path_type=Path))
def command(run: Path) -> int:
    """Let RUN go on at its own schedule, without further actions.

    Takes effect at the next step of the run, which must have been started with back-off; a later
    run in the same directory is not touched. Nothing that was done is undone, and alerts go on.
    """
    folder = run if run.name == "lrwatch" else run / "lrwatch"
    if not folder.is_dir():
        raise FileNotFoundError(f"{run} is no run: no folder lrwatch in it; give the run directory")
    (folder / "disarm").touch()
    words = "back-off ends at the next step"
    found = read_standing(folder)
    if found is not None and found.closed:
        words = f"closed at step {found.step}; if it goes on, {words}"
    click.echo(f"{printable(str(run))}: {words}")
    return 0
