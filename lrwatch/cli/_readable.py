"""A run that cannot be read ends a command with its own exit code."""

from collections.abc import Iterator
from contextlib import contextmanager

import click


class NotReadableError(click.ClickException):
    """A run that is missing or is none."""

    exit_code = 3


@contextmanager
def readable() -> Iterator[None]:
    """Turn errors of reading into those of the command line: 3 unreadable, 2 wrong columns."""
    from lrwatch.errors import LrwatchError
    from lrwatch.readers.columns import ColumnError

    try:
        yield
    except ColumnError as error:
        raise click.UsageError(str(error)) from error
    except (LrwatchError, OSError) as error:
        raise NotReadableError(str(error)) from error
