"""The group of commands: finds them by their files, and ends with the documented exit codes."""

import contextlib
import importlib
import io
import os
import pkgutil
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import click

from lrwatch.errors import LrwatchError
from lrwatch.sinks.printable import printable

FAILED, NOT_FOUND, INTERRUPTED, CLOSED_PIPE = 1, 3, 130, 141

EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 run not found or not readable, "
    "10 warnings found, 20 critical alerts found, 130 interrupted, 141 output closed."
)


class Commands(click.Group):
    """A group whose commands are the modules of ``package``: a new file is a new command.

    A module ``some_name.py`` with an attribute ``command`` is the command ``some-name``; files
    that begin with an underscore are none. They are imported when asked for, so they import what
    is heavy inside of their functions.

    Args:
        name: Name of the program.
        help: What it does, in a line.
        package: Package that holds the modules.
    """

    def __init__(self, *, name: str, help: str, package: str) -> None:
        settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
        super().__init__(name, help=help, epilog=EPILOG, context_settings=settings)
        self.params.append(_version_option())
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        folders = importlib.import_module(self._package).__path__
        modules = (m.name for m in pkgutil.iter_modules(folders))
        return sorted(name.replace("_", "-") for name in modules if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{self._package}.{cmd_name.replace('-', '_')}")
        found: click.Command | None = getattr(module, "command", None)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a closed pipe ends it quietly."""
        try:
            found = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _discard_output()
            ctx.exit(CLOSED_PIPE)
        return found

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the program; failures are one line on stderr, and an exit code."""
        _have_an_output()
        _never_fail_to_encode()
        settings = {**extra, "complete_var": complete_var}
        try:
            code = super().main(args, prog_name or "lrwatch", standalone_mode=False, **settings)
        except click.ClickException as error:
            code = _show(error)
        except (click.Abort, KeyboardInterrupt):
            code = INTERRUPTED
        except (FileNotFoundError, PermissionError) as error:
            code = _say(error, NOT_FOUND)
        except (LrwatchError, ValueError, OSError) as error:
            code = _say(error, FAILED)
        sys.exit(code if isinstance(code, int) else 0)


def _show(error: click.ClickException) -> int:
    words = io.StringIO()
    error.show(words)
    for line in words.getvalue().splitlines():
        click.echo(printable(line, limit=2000), err=True)
    return error.exit_code


def _say(error: Exception, code: int) -> int:
    words: object = error
    if isinstance(error, OSError) and error.filename is not None:
        words = f"{error.filename}: {error.strerror}"
    click.echo(f"Error: {printable(words, limit=2000)}", err=True)
    return code


def _discard_output() -> None:
    """Let the interpreter's last flush go nowhere, as it would complain otherwise."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _have_an_output() -> None:
    """A program that was started with its stdout closed writes to nowhere."""
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def _never_fail_to_encode() -> None:
    """A letter that the terminal cannot show is written as its number."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _version_option() -> click.Option:
    return click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_print_version,
        help="Show the version and exit.",
    )


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    try:
        version = metadata.version("lrwatch")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    click.echo(f"lrwatch {version}")
    ctx.exit()
