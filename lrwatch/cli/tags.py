"""``lrwatch tags``: which columns a log has, and which of them lrwatch takes for what."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from lrwatch.cli._columns import asked, column_options
from lrwatch.cli._params import Place
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
@click.argument("path", required=False, type=Place(readable=False))
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
    found = {str(name): _of(source, name, wanted) for name in QUANTITIES if name != "step"}
    beside = found["loss"][0] or found["grad_norm"][0]
    for quantity in QUANTITIES:
        names, words = found.get(quantity) or _step_of(source, wanted["step"], beside)
        used.update(names)
        yield f"  {quantity:<10} {words or ' + '.join(names) or '-'}"
    for name in sorted(set(source.counts) - used):
        yield f"  {'':<10} {name}"


def _step_of(
    source: "Source", name: str | None, beside: tuple[str, ...]
) -> tuple[tuple[str, ...], str]:
    """The column of the step, or words in its place."""
    from lrwatch.readers.columns import ColumnError, find_step

    if source.has_steps:
        return (), "(every number has its own)"
    try:
        return find_step(_named(source, "step", name), source.counts, source.head, beside), ""
    except ColumnError as error:
        return (), f"? {error}"


def _of(
    source: "Source", quantity: "Quantity", wanted: dict[str, str | None]
) -> tuple[tuple[str, ...], str]:
    """The columns of a quantity, or words in their place."""
    from lrwatch.readers.columns import ColumnError, find

    try:
        return find(quantity, _named(source, quantity, wanted[quantity]), source.counts), ""
    except ColumnError as error:
        return (), f"? {error}"


def _named(source: "Source", quantity: "Quantity", asked: str | None) -> str | None:
    """The column that the user named, or that this kind of log always means."""
    usual = source.usual.get(quantity)
    return usual if asked is None and usual in source.counts else asked


def _rules() -> Iterator[str]:
    from lrwatch.readers.column_rules import RULES

    yield "The first line of a quantity that a name matches decides. Names are compared in small"
    yield "letters, with _ for all but letters and digits."
    for rule in RULES:
        several = {"sum": " (added up)", "first": " (the first)"}.get(rule.several, "")
        yield f"  {rule.quantity:<10} {rule.pattern}{several}"
        yield f"  {'':<10}   {rule.where}"
