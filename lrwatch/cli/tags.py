"""``lrwatch tags``: which columns a log has, and which of them lrwatch takes for what."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from lrwatch.cli._columns import asked, column_options
from lrwatch.cli._readable import readable
from lrwatch.sinks.printable import printable

if TYPE_CHECKING:
    from lrwatch.readers.column_rules import Quantity
    from lrwatch.readers.source import Source

EXAMPLES = """\b
Examples:
  lrwatch tags runs/today             what is read from this run, and what else there is
  lrwatch tags --rules                the table by which columns are chosen
"""


@click.command(epilog=EXAMPLES)
@click.argument("path", required=False, type=click.Path(readable=False))
@click.option("--rules", is_flag=True, help="Print the table of names.")
@column_options
def command(path: str | None, rules: bool, **columns: Any) -> None:
    """Show the columns of the log at PATH, and what each is taken for."""
    if path is None and not rules:
        raise click.UsageError("name a PATH, or ask for --rules")
    if rules:
        for line in _rules():
            click.echo(line)
    if path is not None:
        _show(path, asked(columns))


def _show(path: str, wanted: dict[str, str | None]) -> None:
    from lrwatch.readers.remote import reachable
    from lrwatch.readers.source import open_log

    with readable(), reachable(path) as place:
        source = open_log(place.path)
    click.echo(f"{printable(place.named(source.path))}: {source.format}")
    for note in source.notes:
        click.echo(f"  note: {note}")
    for line in _chosen(source, wanted):
        click.echo(printable(line, limit=2000))


def _chosen(source: "Source", wanted: dict[str, str | None]) -> Iterator[str]:
    from lrwatch.readers.column_rules import QUANTITIES

    used = set[str]()
    for quantity in QUANTITIES:
        names, words = _of(source, quantity, wanted)
        used.update(names)
        yield f"  {quantity:<10} {words or ' + '.join(names) or '-'}"
    for name in sorted(set(source.counts) - used):
        yield f"  {'':<10} {name}"


def _of(
    source: "Source", quantity: "Quantity", wanted: dict[str, str | None]
) -> tuple[tuple[str, ...], str]:
    """The columns of a quantity, or words in their place."""
    from lrwatch.readers.columns import ColumnError, find

    if quantity == "step" and source.has_steps:
        return (), "(every number has its own)"
    name = wanted[quantity]
    if name is None and source.usual.get(quantity) in source.counts:
        name = source.usual[quantity]
    try:
        return find(quantity, name, source.counts), ""
    except ColumnError as error:
        return (), f"? {error}"


def _rules() -> Iterator[str]:
    from lrwatch.readers.column_rules import RULES

    yield "The first line of a quantity that a name matches decides. Names are compared in small"
    yield "letters, with _ for all but letters and digits."
    for rule in RULES:
        several = {"tie": "", "sum": " (added up)", "first": " (the first)"}[rule.several]
        yield f"  {rule.quantity:<10} {rule.pattern}{several}"
        yield f"  {'':<10}   {rule.where}"
