"""``lrwatch demo``: a real training with a rate that is too high, caught while it runs."""

import sys
import time
from pathlib import Path

import click

from lrwatch.cli._params import Place

OPTIMIZERS = ("adamw", "adam", "rmsprop", "sgd")

EXAMPLES = """\b
Examples:
  lrwatch demo                      a rate about a hundred times too high
  lrwatch demo --lr 0.003           one that fits
  lrwatch demo --optimizer sgd --lr 3
"""


@click.command(
    short_help="Train a small model at too high a rate, and watch it being caught.", epilog=EXAMPLES
)
@click.option(
    "--lr",
    default=0.3,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Learning rate.",
)
@click.option(
    "--steps", default=300, show_default=True, type=click.IntRange(1), help="Of each training."
)
@click.option(
    "--optimizer",
    default="adamw",
    show_default=True,
    type=click.Choice(OPTIMIZERS),
    help="What trains.",
)
@click.option("--seed", default=0, show_default=True, type=int, help="Of weights and batches.")
@click.option(
    "--backoff/--no-backoff", default=True, help="Show the back-off too.  [default: show]"
)
@click.option(
    "--run-dir",
    type=Place(path_type=Path),
    help="Where the runs are written.  [default: runs/demo-<UTC time>]",
)
def command(
    lr: float, steps: int, optimizer: str, seed: int, backoff: bool, run_dir: Path | None
) -> None:
    """Train a small model with a rate that is too high, and watch it being caught.

    A character transformer learns the text of Python's standard library: with that rate, with the
    rate that is then advised, and with the first rate again and back-off. It takes about a minute,
    and leaves the runs to be opened in TensorBoard.
    """
    from lrwatch.demo.story import play
    from lrwatch.demo.training import Plan

    if run_dir is None:
        run_dir = Path("runs") / time.strftime("demo-%Y%m%dT%H%M%SZ", time.gmtime())
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"{run_dir} cannot be made: {error.strerror}") from error
    plan = Plan(lr=lr, n_steps=steps, optimizer=optimizer, seed=seed, backoff=backoff)
    play(plan, run_dir=run_dir, out=sys.stdout)
