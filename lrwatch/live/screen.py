"""The screen: glances laid out in a window of any size, as lines of styled pieces of text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from lrwatch.live.glance import Glance
from lrwatch.live.series import Series
from lrwatch.live.sparkline import ASCII, BLOCKS, duration, short, sparkline
from lrwatch.records import Action, Alert
from lrwatch.sinks.ledger_line import Entry
from lrwatch.sinks.lines import action_words, level_word, state_word
from lrwatch.sinks.printable import printable

Style = Literal["", "name", "dim", "good", "info", "warning", "critical", "action"]
Line = list[tuple[str, Style]]

_VERDICTS: dict[str, tuple[str, Style]] = {
    "too_high": ("rate too high", "critical"),
    "too_low": ("rate too low", "warning"),
    "healthy": ("healthy", "good"),
    "undecided": ("undecided", "dim"),
}
_FULL_LINES = 5
_WIDE = 60
_MIN_WIDTH = 20
_LEVEL_STYLES: dict[str, Style] = {
    "INFO": "info",
    "WARN": "warning",
    "CRIT": "critical",
    "ACT": "action",
}
_GAP: Final = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Where it is shown.

    Attributes:
        width: Columns.
        height: Lines.
        is_ascii: Whether only ASCII may be used.
    """

    width: int
    height: int
    is_ascii: bool = False

    @property
    def levels(self) -> str:
        """The letters of a sparkline."""
        return ASCII if self.is_ascii else BLOCKS


def screen(glances: Sequence[Glance], window: Window) -> list[Line]:
    """As many lines as the window has, at most; every run gets the same share of them.

    Runs are shown in full where there is room, else in a line each; of those that do not fit it
    is said how many there are.
    """
    return [_clipped(line, window) for line in _lines(glances, window)]


def _lines(glances: Sequence[Glance], window: Window) -> list[Line]:
    if not glances:
        return [[("no runs yet", "dim")]]
    share = window.height // len(glances)
    if share >= _FULL_LINES:
        blocks = [_block(glance, window, min(share, window.height)) for glance in glances]
        return [line for block in blocks for line in [*block, []]][: window.height]
    n_shown = len(glances) if len(glances) <= window.height else window.height - 1
    widest = max(len(glance.name) for glance in glances[:n_shown]) if n_shown else 0
    n_letters = min(widest, max(8, window.width // 3))
    lines = [_row(glance, window, n_letters) for glance in glances[:n_shown]]
    n_more = len(glances) - n_shown
    return [*lines, [(f"and {n_more} more: make the window higher", "dim")]] if n_more else lines


def _block(glance: Glance, window: Window, n_lines: int) -> list[Line]:
    lines = [_head(glance, window), _status(glance, window)]
    named = {"loss": glance.loss, "norm": glance.grad_norm, "rate": glance.lr}
    named |= {} if glance.applied is None else {"used": glance.applied}
    known = [(name, series) for name, series in named.items() if series.last is not None]
    lines += [_curve(name, series, window) for name, series in known[: n_lines - 4]]
    if glance.deeds.n_done and len(lines) < n_lines - 2:
        lines.append(_deeds(glance, window))
    room = n_lines - len(lines) - 1
    if glance.problem:
        lines += _wrapped(glance.problem, "warning", window, min(room, 3))
        room = n_lines - len(lines) - 1
    return lines + _alerts(glance.entries, window, room)


def _head(glance: Glance, window: Window) -> Line:
    word, style = _VERDICTS[glance.verdict]
    name = _cut(glance.name, window.width - len(word) - 2, window)
    gap = " " * max(1, window.width - len(name) - len(word))
    return [(name, "name"), (gap, ""), (word, style)]


def _status(glance: Glance, window: Window) -> Line:
    step = "no steps yet" if glance.step is None else f"step {glance.step:,}"
    line: Line = [(step, "")]
    if glance.is_behind:
        line.append(("reading", "info"))
    elif glance.age_s is not None:
        words = f"{duration(glance.age_s)} ago"
        if glance.is_over:
            line.append((f"ended {words}", "dim"))
        else:
            line.append((f"STALE, {words}", "warning") if glance.is_stale else (words, ""))
    if glance.steps_per_s is not None and not glance.is_stale and not glance.is_over:
        line.insert(1, (f"{short(glance.steps_per_s)} steps/s", ""))
    if glance.n_alerts:
        line.append((f"{glance.n_alerts} alert{'s' if glance.n_alerts > 1 else ''}", ""))
    if glance.n_damaged:
        line.append((f"{glance.n_damaged} damaged", "warning"))
    if glance.format:
        line.append((printable(glance.format, limit=20), "dim"))
    return _fitting(line, window.width)


def _fitting(line: Line, width: int) -> Line:
    """The pieces with gaps between them, the last ones left out where they do not fit."""
    found: Line = []
    left = width
    for text, style in line:
        gap = _GAP if found else ""
        if len(gap) + len(text) > left:
            break
        found += [(gap, ""), (text, style)] if gap else [(text, style)]
        left -= len(gap) + len(text)
    return found


def _curve(name: str, series: Series, window: Window) -> Line:
    digits = 3 if window.width >= _WIDE else 2
    last = short(series.last, digits)
    low, high = short(series.low, digits), short(series.high, digits)
    span = f"{low} .. {high}" if window.width >= _WIDE else f"{low}..{high}"
    span = span if series.low <= series.high else "nothing finite"
    numbers = f" {last:>7}  {span}"
    width = _curve_width(window)
    curve = sparkline(series.cells(width), window.levels) if width > 2 else ""
    style: Style = "critical" if series.n_bad and last in ("nan", "inf", "-inf") else ""
    return [(f"{name} ", "dim"), (f"{curve:<{max(width, 0)}}", "info"), (numbers, style)]


def _curve_width(window: Window) -> int:
    """What the name of a curve and its numbers leave."""
    return window.width - (33 if window.width >= _WIDE else 28)


def _deeds(glance: Glance, window: Window) -> Line:
    """Signs of the actions and outcomes, below the steps of the curve of the loss."""
    width, deeds = _curve_width(window), glance.deeds
    signs = deeds.row(glance.steps, width, is_ascii=window.is_ascii) if width > 2 else ""
    words = f"{deeds.n_done} action{'' if deeds.n_done == 1 else 's'}, {deeds.n_helped} helped"
    return [("acts ", "dim"), (f"{signs:<{max(width, 0)}}", "action"), (f" {words}", "")]


def _row(glance: Glance, window: Window, n_letters: int) -> Line:
    """A run in one line."""
    word, style = _VERDICTS[glance.verdict]
    name = _cut(glance.name, n_letters, window)
    line: Line = [(f"{name:<{n_letters}}", "name"), (f"{word:<13}", style)]
    if glance.problem:
        return [*_spaced(line), (_GAP + printable(glance.problem), "warning")]
    age = "" if glance.age_s is None else duration(glance.age_s)
    line.append((f"{'' if glance.step is None else glance.step:>8}", ""))
    line.append((f"{age:>6}", "warning" if glance.is_stale else "dim"))
    left = window.width - sum(len(text) for text, _ in line) - len(_GAP) * len(line)
    if left > 2 and glance.loss.last is not None:
        line.append((sparkline(glance.loss.cells(min(left, 40)), window.levels), "info"))
    return _spaced(line)


def _spaced(line: Line) -> Line:
    return [(_GAP * (i > 0) + text, style) for i, (text, style) in enumerate(line)]


def _clipped(line: Line, window: Window) -> Line:
    """The line, cut where the window ends."""
    left, found = window.width, Line()
    for text, style in line:
        found.append((_cut(text, left, window), style))
        left -= len(found[-1][0])
    return found


def _alerts(entries: Sequence[Entry], window: Window, room: int) -> list[Line]:
    """The newest alerts and actions, the last of them with what to try."""
    lines: list[Line] = []
    for i, entry in enumerate(reversed(entries)):
        left = room - len(lines)
        if left <= 0 or entry.record is None:
            break
        lines += _alert(entry.record, window, min(left, 4 if i == 0 else 1), has_advice=i == 0)
    return lines


def _alert(record: Alert | Action, window: Window, n_lines: int, *, has_advice: bool) -> list[Line]:
    word = level_word(record)
    text = f"{word:<4} {printable(record.kind, limit=40)} at step {record.step:,}"
    if isinstance(record, Action):
        text += f", {state_word(record)}: {'; '.join(action_words(record))}"
    else:
        text += f": {record.message}"
    if isinstance(record, Alert) and record.advice and has_advice:
        text += f"; try: {record.advice}"
    return _wrapped(text, _LEVEL_STYLES.get(word, ""), window, n_lines)


def _wrapped(text: str, style: Style, window: Window, n_lines: int) -> list[Line]:
    """The text over some lines, what is beyond them cut off; the first word has the style."""
    words, lines = printable(text, limit=1000).split(" "), list[str]()
    width = max(window.width, _MIN_WIDTH)
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word if not lines else f"     {word}")
    if len(lines) > n_lines:
        rest = " ".join(line.strip() for line in lines[n_lines - 1 :])
        indent = "" if n_lines <= 1 else "     "
        lines = [*lines[: n_lines - 1], indent + rest]
    first, _, rest = _cut(lines[0], width, window).partition(" ") if lines else ("", "", "")
    styled: list[Line] = [[(first, style), (f" {rest}", "")]] if n_lines > 0 else []
    return styled + [[(_cut(line, width, window), "")] for line in lines[1:n_lines]]


def _cut(text: str, width: int, window: Window) -> str:
    shown = printable(text, limit=1000)
    if window.is_ascii:
        shown = shown.encode("ascii", "backslashreplace").decode()
    if len(shown) <= width:
        return shown
    dots = "..." if window.is_ascii else "…"
    return (
        shown[: max(0, width - len(dots))] + dots if width > len(dots) else shown[: max(0, width)]
    )
