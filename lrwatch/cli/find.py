"""``lrwatch find``: a learning rate for a script, before it trains."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lrwatch.cli._group import FAILED
from lrwatch.cli._params import Place

if TYPE_CHECKING:
    from lrwatch.range_test.finding import LrFinding

EXAMPLES = """\b
Examples:
  lrwatch find train.py --epochs 3
  lrwatch find --png curve.png --run-dir runs/find -m package.train
  lrwatch find torchrun --nproc-per-node 2 train.py
  lrwatch find --total-steps 100000 --batch-size 256 --new-batch-size 1024 train.py
"""


@click.command(
    short_help="Find a learning rate for the training that SCRIPT does.",
    epilog=EXAMPLES,
    context_settings={"allow_interspersed_args": False},
)
@click.argument("script", metavar="SCRIPT")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1, type=click.UNPROCESSED)
@click.option("-m", "is_module", is_flag=True, help="SCRIPT is the name of a module.")
@click.option("--start-lr", type=float, default=1e-6, show_default=True, help="Ramp from here.")
@click.option("--end-lr", type=float, default=100.0, show_default=True, help="Ramp to here.")
@click.option("--steps", type=int, default=100, show_default=True, help="Steps of the ramp.")
@click.option(
    "--trial-steps",
    type=int,
    default=100,
    show_default=True,
    help="Steps of each short run; 0: the ramp only.",
)
@click.option("--total-steps", type=click.IntRange(1), help="Planned steps of the real run.")
@click.option("--decays", is_flag=True, help="The real run warms up, and decays to about zero.")
@click.option("--batch-size", type=click.IntRange(1), help="Batch size that SCRIPT trains with.")
@click.option("--new-batch-size", type=click.IntRange(1), help="Advise on this one, too.")
@click.option("--run-dir", type=Place(path_type=Path), help="Write the curve for TensorBoard.")
@click.option("--png", type=Place(path_type=Path), help="Draw the curve to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print the finding as one JSON object.")
@click.option("-q", "--quiet", is_flag=True, help="Print the rate only, and no progress.")
@click.pass_context
def command(
    ctx: click.Context,
    script: str,
    arguments: tuple[str, ...],
    is_module: bool,
    start_lr: float,
    end_lr: float,
    steps: int,
    trial_steps: int,
    total_steps: int | None,
    decays: bool,
    batch_size: int | None,
    new_batch_size: int | None,
    run_dir: Path | None,
    png: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find a learning rate for the training that SCRIPT does, without an edit.

    SCRIPT is started as `lrwatch run` starts it. The first optimizer that steps gets a ramp of the
    rate, then some short runs, each from its first weights; then SCRIPT is ended, after 600 to 1000
    steps, and where runs that short cannot tell the rates apart after 2000 to 5000. Its schedule is
    not used meanwhile. What it wrote by then is not undone: give it a folder of its own where that
    matters. Its standard output goes to stderr. Exit code 1: no rate can be suggested, and the
    answer says why.
    """
    from lrwatch.launch.find import on_script
    from lrwatch.range_test.advice import batch_size_line
    from lrwatch.range_test.picture import check_picture
    from lrwatch.range_test.settings import Settings

    if (batch_size is None) != (new_batch_size is None):
        raise click.UsageError("--batch-size and --new-batch-size go together")
    try:
        settings = Settings(
            start_lr=start_lr,
            end_lr=end_lr,
            n_steps=steps,
            trial_steps=trial_steps,
            total_steps=total_steps,
            decays=decays,
        )
    except ValueError as error:
        raise click.UsageError(_as_option(error)) from error
    if png is not None:
        check_picture(png)
    found = on_script(script, arguments, settings, is_module=is_module, quiet=quiet)
    _keep(found, run_dir, png)
    lines = list(found.advice)
    if found.lr is not None and batch_size is not None and new_batch_size is not None:
        lines.append(batch_size_line(found.lr, found.optimizer, batch_size, new_batch_size))
    _print(found, lines, as_json=as_json, quiet=quiet)
    if found.lr is None:
        ctx.exit(FAILED)


def _as_option(error: ValueError) -> str:
    """The words of an error, with the argument that it begins with named as an option."""
    argument, _, words = str(error).partition(" ")
    return f"--{argument.removeprefix('n_').replace('_', '-')} {words}"


def _keep(found: "LrFinding", run_dir: Path | None, png: Path | None) -> None:
    """Write what the user asked for."""
    if run_dir is not None:
        from lrwatch.range_test.board import write_board

        write_board(found, run_dir)
    if png is not None:
        from lrwatch.range_test.picture import save_picture

        save_picture(found, png)


def _print(found: "LrFinding", advice: Sequence[str], *, as_json: bool, quiet: bool) -> None:
    from lrwatch.range_test.chart import chart, table

    if as_json:
        click.echo(json.dumps({**found.to_dict(), "advice": list(advice)}))
        return
    if quiet:
        click.echo(str(found) if found.lr is None else f"{found.lr:.2g}", err=found.lr is None)
        return
    parts = [chart(found), table(found), str(found), *advice, *(f"note: {n}" for n in found.notes)]
    click.echo("\n".join(part for part in parts if part))
