"""``lrwatch run``: any script under watch, without an edit."""

import os
import sys
import time
from pathlib import Path

import click

from lrwatch.cli._params import Place
from lrwatch.switches import disabled

EXAMPLES = """\b
Examples:
  lrwatch run train.py --lr 0.1
  lrwatch run --backoff --run-dir runs/a train.py
  lrwatch run -m package.train
  lrwatch run torchrun --nproc-per-node 2 train.py
"""


@click.command(epilog=EXAMPLES, context_settings={"allow_interspersed_args": False})
@click.argument("script", metavar="SCRIPT")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1, type=click.UNPROCESSED)
@click.option("-m", "is_module", is_flag=True, help="SCRIPT is the name of a module.")
@click.option("--backoff", is_flag=True, help="Act on alerts, too.")
@click.option(
    "--run-dir", type=Place(path_type=Path), help="Where to write.  [default: runs/<time>-SCRIPT]"
)
@click.option(
    "--total-steps",
    metavar="N",
    type=click.IntRange(min=1),
    help="Steps that the run will take, where you know it.",
)
@click.option(
    "--surrogate/--no-surrogate",
    default=None,
    help="Whether the losses say nothing about progress, as in reinforcement learning: then they "
    "are not judged.  [default: where adversaries train, or gymnasium is imported]",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the run directory has it all.")
def command(
    script: str,
    arguments: tuple[str, ...],
    is_module: bool,
    backoff: bool,
    run_dir: Path | None,
    total_steps: int | None,
    surrogate: bool | None,
    quiet: bool,
) -> None:
    """Watch the training that SCRIPT does, without an edit.

    SCRIPT runs as Python itself would run it, with ARGS; it may also be a program on the PATH, such
    as torchrun or yolo. Every optimizer that steps is watched, in the Pythons that SCRIPT starts,
    too, but not in forked children. With several optimizers each writes to a folder of its own in
    the run directory. What never trains leaves nothing behind. LRWATCH_DISABLED=1 runs SCRIPT as if
    lrwatch were not there.
    """
    from lrwatch.launch.command import STAYS, become, command_line
    from lrwatch.launch.plan import Plan
    from lrwatch.loop.places.run_dir import by_time
    from lrwatch.ranks.job import began_s

    if sys.flags.ignore_environment or sys.flags.no_site:
        raise click.UsageError("Python must not be started with -E, -I or -S")
    words = command_line(script, arguments, is_module=is_module)
    if disabled():
        become(words, os.environ)
    chosen = run_dir or os.environ.get("LRWATCH_RUN_DIR")
    program = f"{script}.py" if is_module else script  # a module's name has no ending to be cut
    plan = Plan(
        run_dir=os.path.abspath(chosen or by_time(program, began_s(time.time()))),
        is_chosen=bool(chosen),
        backoff=backoff,
        quiet=quiet,
        total_steps=total_steps,
        surrogate=surrogate,
        pid=0 if STAYS else os.getpid(),
    )
    become(words, plan.environment(os.environ))
