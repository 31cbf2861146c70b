"""One record as one line of the ledger, and back: strict ASCII JSON of at most 4 KiB."""

import contextlib
import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any, Final, get_args

from lrwatch.records import SEVERITIES, Action, Alert, AlertState, Side, plain, to_dict

VERSION: Final = 1
MAX_BYTES: Final = 4096
MAX_WHOLE: Final = 1 << 62

_NON_FINITE = {"NaN", "Infinity", "-Infinity"}
_TYPES: dict[str, Callable[..., Alert | Action]] = {"alert": Alert, "action": Action}
_NUMBERS = {"lr", "value", "limit", "lr_before", "lr_after", "scale"}
_WHOLE = {"step", "onset", "trouble", "to_step"}
_FLAGS = {"helped", "dry_run"}
_REQUIRED_WHOLE = {"step", "onset", "trouble"}
_CHOICES: dict[str, tuple[str | None, ...]] = {
    "severity": SEVERITIES,
    "state": get_args(AlertState),
    "verdict": (None, *get_args(Side)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger.

    Attributes:
        time: When it was written, in seconds since the epoch.
        run: Name of the segment: one process, from its start or resume on.
        record: The alert or action; None on the line that opens a segment.
        raw: All of the line, as written.
    """

    time: float
    run: str
    record: Alert | Action | None
    raw: Mapping[str, Any]


def encode(record: Alert | Action, *, time_s: float, run: str) -> bytes:
    """The record as a line, its end included; what is too long is cut, and said to be."""
    kind = "alert" if isinstance(record, Alert) else "action"
    return encode_fields(kind, to_dict(record), time_s=time_s, run=run)


def encode_fields(kind: str, values: Mapping[str, Any], *, time_s: float, run: str) -> bytes:
    """A line of type ``kind`` with these fields."""
    head = {"v": VERSION, "type": kind, "time": _iso(time_s), "run": run}
    line = _dump({**head, **values})
    for limit in (512, 128, 32):
        if len(line) <= MAX_BYTES:
            break
        line = _dump({**head, **_shortened(values, limit), "truncated": True})
    return line


def decode(line: bytes) -> Iterator[Entry | None]:
    """The entries of one line; None for each part that is broken.

    A line holds one entry, or several where a torn write or a flipped byte lost a line break.
    Lines of a type that is not known here hold nothing. A severity, side or state that is not
    known, and a number that is no possible step, make a line broken: all that shows it would fail.
    """
    stripped = line.removeprefix(b"\xef\xbb\xbf").strip(b"\0 \t\r\n")
    if not stripped:
        return
    try:
        found = _entry(json.loads(stripped))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        yield from _salvage(stripped)
        return
    if found is not None:
        yield found


def _salvage(line: bytes) -> Iterator[Entry | None]:
    parts = re.split(rb'(?=\{"v":)', line[: 16 * MAX_BYTES])
    for part in parts if len(parts) > 1 else ():
        try:
            found = _entry(json.JSONDecoder().raw_decode(part.decode())[0])
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            continue
        if found is not None:
            yield found
    yield None


def _entry(raw: Any) -> Entry | None:
    if raw["v"] != VERSION or raw["type"] not in {*_TYPES, "run"}:
        return None
    build = _TYPES.get(raw["type"])
    return Entry(
        time=_seconds(raw["time"]),
        run=str(raw.get("run", "")),
        record=build(**_arguments(build, raw)) if build else None,
        raw=raw,
    )


def _arguments(build: Any, raw: Mapping[str, Any]) -> dict[str, Any]:
    return {f.name: _checked(f.name, raw[f.name]) for f in fields(build) if f.name in raw}


def _checked(name: str, value: Any) -> Any:
    if name in _NUMBERS:
        return None if value is None else float(value)
    if name in _WHOLE:
        return _whole(name, value)
    if name in _FLAGS:
        return None if value is None else bool(value)
    if name == "evidence":
        return {key: _number(x) for key, x in dict(value).items()}
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ValueError(f"{name} must be one of {_CHOICES[name]}, got {value!r:.40}")
    if name not in _CHOICES and not isinstance(value, str):
        raise TypeError(f"{name} must be words, got {value!r:.40}")
    return value


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and value in _NON_FINITE else value


def _whole(name: str, value: Any) -> int | None:
    if value is None and name not in _REQUIRED_WHOLE:
        return None
    if not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, got {value!r:.40}")
    if not -MAX_WHOLE < value < MAX_WHOLE:
        raise ValueError(f"{name} must be within 2**62, got {value!r:.40}")
    return value


def _seconds(time: str) -> float:
    """Seconds since the epoch; the first and the last year are beyond some clocks."""
    moment = datetime.fromisoformat(time)
    if not MINYEAR < moment.year < MAXYEAR:
        raise ValueError(f"time must be within the calendar, got {time!r:.40}")
    return moment.timestamp()


def _iso(time_s: float) -> str:
    now = datetime.fromtimestamp(time_s, UTC)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _dump(values: Mapping[str, Any]) -> bytes:
    text = json.dumps(plain(values), allow_nan=False, separators=(",", ":"), default=_as_plain)
    return text.encode("ascii") + b"\n"


def _as_plain(value: Any) -> Any:
    """A number of another library as a number, anything else as words."""
    for turn in (operator.index, float):
        with contextlib.suppress(Exception):
            return plain(turn(value))
    return str(value)[:200]


def _shortened(values: Mapping[str, Any], limit: int) -> dict[str, Any]:
    cut = {k: v[:limit] if isinstance(v, str) else v for k, v in values.items()}
    return {k: {} if isinstance(v, Mapping) else v for k, v in cut.items()}
