"""The options that say which column is which, the same for every command that reads a log."""

from collections.abc import Callable
from typing import Any

import click

_HELP = {
    "loss": "Name of the training loss; a+b adds two up.",
    "grad-norm": "Name of the gradient norm.",
    "lr": "Name of the learning rate.",
    "step": "Name of the step.",
}


def column_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--loss``, ``--grad-norm``, ``--lr`` and ``--step`` to a command."""
    for name, words in reversed(_HELP.items()):
        function = click.option(f"--{name}", metavar="COLUMN", help=words)(function)
    return function


def asked(options: dict[str, Any]) -> dict[str, str | None]:
    """Those four, out of the options of a command."""
    return {name: options[name] for name in ("loss", "grad_norm", "lr", "step")}
