"""The options that send alerts somewhere, the same for every command that has them."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from lrwatch.sinks.printable import printable

if TYPE_CHECKING:
    from lrwatch.cli._tailed import Named

_EXEC_HELP = "Run CMD, without a shell, for what is new: a JSON object on its stdin."
_WEBHOOK_HELP = "Post it to the address in LRWATCH_WEBHOOK_URL."


def notify_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--exec`` and ``--webhook`` to a command."""
    function = click.option("--webhook", is_flag=True, help=_WEBHOOK_HELP)(function)
    return click.option("--exec", "program", metavar="CMD", help=_EXEC_HELP)(function)


class Notified:
    """Whoever is to be told, as the options say; closed with ``stack``.

    Raises:
        click.UsageError: If a program is not found, or there is no address to post to.
    """

    def __init__(self, stack: ExitStack, *, program: str | None, webhook: bool) -> None:
        self._all: list[Any] = []
        try:
            if program is not None:
                from lrwatch.notify.command import Command

                self._all.append(Command(program, say=_say))
            if webhook:
                from lrwatch.notify.webhook import Webhook

                self._all.append(Webhook(say=_say))
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        for one in self._all:
            stack.callback(one.close)

    def tell(self, named: Iterable["Named"]) -> None:
        """Send entries of runs; returns at once."""
        for name, entry in named:
            if entry.record is not None:
                for one in self._all:
                    one(entry.record, name)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send an object; returns at once."""
        for one in self._all:
            one.send(message)


def _say(line: str) -> None:
    click.echo(f"lrwatch: {printable(line)}", err=True)
