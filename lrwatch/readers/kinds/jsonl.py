"""JSON: one object a line, one list of objects, or one object of lists."""

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from lrwatch.errors import LrwatchError
from lrwatch.readers.formats import HEAD, Format, Head
from lrwatch.readers.kinds.json_objects import flat, objects_in_list, parsed
from lrwatch.readers.lines import Damage, Line, LineReader, Row, by_line, text_of
from lrwatch.readers.numbers import number

MAX_WHOLE = 32 << 20


def _is_lines(head: Head) -> bool:
    values = [parsed(line) for line in head.lines[:20]]
    objects = [isinstance(value, dict) and bool(flat(value)) for value in values]
    return any(objects) and 2 * sum(objects) >= len(objects)


def _object_lines(damage: Damage) -> LineReader:
    return partial(_object_row, damage)


def _object_row(damage: Damage, line: Line) -> Row | None:
    if not line.text.strip():
        return None
    value = parsed(line.text)
    if isinstance(value, dict):
        return flat(value)
    if line.whole:
        damage.add(f"line {line.number}", "expected a JSON object")
    return None


def _is_list(head: Head) -> bool:
    start = head.text.lstrip()
    return start.startswith("[") and start[1:].lstrip().startswith("{")


def _is_lists(head: Head) -> bool:
    start = head.text.lstrip()
    return start.startswith("{") and ": [" in start[:HEAD].replace(":[", ": [")


def _lists_rows(file: BinaryIO, damage: Damage) -> Iterator[Row]:
    """Rows of an object of lists: of its longest list of objects, or else one list a column."""
    source = text_of(file)
    text = source.read(MAX_WHOLE + 1)
    source.detach()
    if len(text) > MAX_WHOLE:
        raise LrwatchError(f"expected at most {MAX_WHOLE:,} characters in one JSON object")
    value = parsed(text)
    columns = value if isinstance(value, dict) else {}
    lists = {str(name): inner for name, inner in columns.items() if isinstance(inner, list)}
    objects = [inner for inner in lists.values() if inner and isinstance(inner[0], dict)]
    if objects:
        yield from (flat(row) for row in max(objects, key=len) if isinstance(row, dict))
        return
    yield from _across(lists)


def _across(lists: dict[str, list[object]]) -> Iterator[Row]:
    for i in range(max(map(len, lists.values()), default=0)):
        cells = {name: number(inner[i]) for name, inner in lists.items() if i < len(inner)}
        yield {name: x for name, x in cells.items() if x is not None}


LINES = Format(
    name="jsonl",
    about="JSON Lines: one object a line",
    recognises=_is_lines,
    rows=partial(by_line, _object_lines),
    line_reader=_object_lines,
)
LIST = Format(
    name="json-list",
    about="a JSON list of objects",
    recognises=_is_list,
    rows=objects_in_list,
)
LISTS = Format(
    name="json-columns",
    about="a JSON object of lists, such as Keras's History, or with a list of objects",
    recognises=_is_lists,
    rows=_lists_rows,
)
