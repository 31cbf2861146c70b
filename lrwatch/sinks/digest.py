"""What happened to a run, as one Markdown table for TensorBoard's Text tab."""

import re
import textwrap
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from lrwatch.records import Action, Alert
from lrwatch.sinks.lines import level_word, state_word, utc
from lrwatch.sinks.printable import printable

_MAX_ROWS: Final = 50
_MAX_SETTINGS: Final = 40
_WIDTH: Final = 64
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~-])")


class Digest:
    """Alerts and actions with the newest on top, what they add up to, and the settings.

    Args:
        settings: Settings of the run.
    """

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        self._settings = dict(settings or {})
        self._rows: deque[str] = deque(maxlen=_MAX_ROWS)
        self.n_opened = 0
        self._n_actions = 0
        self._last = ""

    def add(self, record: Alert | Action, time_s: float, *, superseded: bool = False) -> None:
        """Put a record on top; one that a resume superseded is shown, but does not count."""
        self._rows.appendleft(_row(record, time_s, superseded=superseded))
        if superseded:
            return
        self._last = f"{level_word(record)} {_cell(record.kind)} at step {record.step}"
        if isinstance(record, Action):
            self._n_actions += 1
        elif record.state == "opened":
            self.n_opened += 1

    def markdown(self, n_dropped: int = 0) -> str:
        """The digest as it stands; ``n_dropped`` points could not be drawn."""
        parts = [f"**{self._summary()}**"]
        if self._rows:
            parts.append(_HEAD + "\n" + "\n".join(self._rows))
        if n_dropped:
            parts.append(f"{n_dropped} points are not drawn: the disk or this thread was too slow.")
        if self._settings:
            parts.append(_settings_table(self._settings))
        return "\n\n".join(parts)

    def _summary(self) -> str:
        if not self._last:
            return "No alerts so far."
        counts = f"{_count(self.n_opened, 'alert')}, {_count(self._n_actions, 'action')}"
        return f"{counts}; last: {self._last}"


_HEAD: Final = "| step | what | seen, and what to try | rate | time |\n|---|---|---|---|---|"


def _row(record: Alert | Action, time_s: float, *, superseded: bool) -> str:
    state = "superseded" if superseded else state_word(record)
    what = f"{level_word(record)} {record.kind}\n{state}"
    cells = (record.step, what, _seen(record), _rate(record), utc(time_s).replace("T", "\n"))
    return "| " + " | ".join(_cell(x) for x in cells) + " |"


def _seen(record: Alert | Action) -> str:
    if isinstance(record, Action):
        return record.reason
    return f"{record.message}\ntry: {record.advice}" if record.advice else record.message


def _rate(record: Alert | Action) -> str:
    if isinstance(record, Alert):
        return "" if record.lr is None else f"{record.lr:.4g}"
    if record.lr_before is None or record.lr_after is None:
        return ""
    return f"{record.lr_before:.4g}\nto {record.lr_after:.4g}"


def _settings_table(settings: Mapping[str, Any]) -> str:
    rows = [f"| {_cell(k)} | {_cell(v)} |" for k, v in list(settings.items())[:_MAX_SETTINGS]]
    return "Settings of the run:\n\n| setting | value |\n|---|---|\n" + "\n".join(rows)


def _cell(value: object) -> str:
    """The value as words that Markdown and HTML leave as they are.

    Lines are broken here, as TensorBoard would break the words of the short columns instead.
    """
    lines = [w for line in str(value).splitlines() for w in textwrap.wrap(printable(line), _WIDTH)]
    return "<br>".join(map(_escaped, lines))


def _escaped(words: str) -> str:
    words = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", words)


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
