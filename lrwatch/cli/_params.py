"""Values of options that are more than a word: a point in time, a level, a place."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lrwatch.records import SEVERITIES, Severity

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Place(click.Path):
    """A path that is not empty: a variable that was not set would mean the current folder.

    With ``path_type=Path`` it lies on this machine: of a URL a path would be made that means a
    folder ``s3:`` here.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path as it was given."""
        if value == "":
            self.fail("the path is empty", param, ctx)
        if self.type is Path and "://" in str(value):
            words = "is a URL; only scan, check, report and tags read those"
            self.fail(f"{value} {words}", param, ctx)
        return super().convert(value, param, ctx)


def since(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Seconds since the epoch of a duration before now or an ISO time (UTC if it says none)."""
    if value is None:
        return None
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", value):
        return time.time() - float(match[1]) * _UNITS_S[match[2]]
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        words = f"{value!r} is neither a duration (90s, 10m, 2h, 1d) nor an ISO time"
        raise click.BadParameter(words, ctx, param) from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def levels(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The severities, for the shell to complete."""
    return [severity for severity in SEVERITIES if severity.startswith(incomplete.lower())]


def level(ctx: click.Context, param: click.Parameter, value: str) -> Severity:
    """The severity that ``value`` names or begins: ``warn``."""
    for severity in SEVERITIES:
        if value and severity.startswith(value.lower()):
            return severity
    raise click.BadParameter(f"{value!r} is none of {', '.join(SEVERITIES)}", ctx, param)
