"""JSON objects: reads them one at a time out of lines or out of a list of any length."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO, TextIO

from lrwatch.readers.lines import MAX_LINE, Damage, Row, text_of
from lrwatch.readers.numbers import number
from lrwatch.readers.splits import apart, is_apart

MAX_DEPTH = 4
# The last entry of Hugging Face's log sums the run up and is no step of it.
_SUMMARY = "train_runtime"
_RATES = ("lr", "lrs", "learning_rate")
_SPACE = re.compile(r"[\s,]*")
_BETWEEN = re.compile(r"\}\s*,\s*\{")
_LAST = re.compile(r"\}\s*\]")
_DECODER = json.JSONDecoder()


def parsed(text: str) -> object:
    """The value that the text is; None for what is no JSON or goes beyond the caps."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def flat(value: Mapping[str, object], prefix: str = "", depth: int = 0) -> Row:
    """The numbers of an object; names of nested objects are joined with ``/``.

    What is of a validation by its ``split`` or the like is named so.
    """
    found: dict[str, float] = {}
    for name, inner in value.items():
        if isinstance(inner, dict) and depth < MAX_DEPTH:
            found.update(flat(inner, f"{prefix}{name}/", depth + 1))
        elif (x := number(_of_groups(name, inner))) is not None:
            found[prefix + name] = x
    return apart(found) if not prefix and is_apart(value) else found


def _of_groups(name: str, value: object) -> object:
    """The first of the rates of several groups of parameters; any other value as it is."""
    return value[0] if isinstance(value, list) and value and name.endswith(_RATES) else value


def objects_in_list(file: BinaryIO, damage: Damage, *, after: str = "") -> Iterator[Row]:
    """The objects of the first list behind the text ``after``, read piece by piece.

    An object that cannot be read is counted, and the next one searched for; a file that is cut
    off gives the objects before the cut.
    """
    source = text_of(file)
    text, at, n_objects, ended = _behind(source, after), 0, 0, False
    while True:
        if not ended and len(text) - at < MAX_LINE:
            piece = source.read(4 * MAX_LINE)
            text, at, ended = text[at:] + piece, 0, not piece
        match = _SPACE.match(text, at)
        at = match.end() if match else at
        if text.startswith("]", at) or at >= len(text):
            break
        n_objects += 1
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            if _BETWEEN.search(text, at) or _LAST.search(text, at):
                damage.add(f"object {n_objects}", "expected a JSON object of at most 1 MB")
            at = _next_object(text, at)
            continue
        if isinstance(value, dict) and _SUMMARY not in value:
            yield flat(value)
    source.detach()


def _next_object(text: str, at: int) -> int:
    match = _BETWEEN.search(text, at)
    return match.end() - 1 if match else len(text)


def _behind(source: TextIO, name: str) -> str:
    """What follows ``name`` and the bracket that opens its list."""
    text = ""
    while piece := source.read(MAX_LINE):
        text = text[-MAX_LINE:] + piece
        at = text.find(name)
        bracket = text.find("[", at) if at >= 0 else -1
        if bracket >= 0:
            return text[bracket + 1 :]
    return ""
