"""Text logs: lines for people that say ``step ... loss ...`` in one of a hundred ways."""

import re
from functools import lru_cache, partial

from lrwatch.readers.formats import Format, Head
from lrwatch.readers.kinds.blocks import Blocks
from lrwatch.readers.kinds.redrawn import Redrawn
from lrwatch.readers.kinds.short_lines import short_line
from lrwatch.readers.lines import Damage, Line, Row, by_line
from lrwatch.readers.splits import apart, line_is_apart

_NUMBER = (
    r"[-+]?(?:[1-9]\d{0,2}(?:[,_]\d{3})+(?:\.\d+)?"
    r"|(?:\d+(?!,\d)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|(?:nan|inf(?:inity)?)x{0,3})"
    r"(?![A-Za-z0-9_%]|\.\d)"
)
_WORD = r"[A-Za-z_][A-Za-z0-9_]*"
_WRAPPER = r"(?:(?:tensor|array|np\.float\d{1,3})(?=[\[(]))?"  # as Python prints its numbers
_PAIR = re.compile(
    rf"(?<![A-Za-z0-9_])({_WORD}(?:[ ./\-]{_WORD}){{0,4}}?)"  # a name of up to five words
    rf"['\"]?(?:\s*[:=|]\s*|(?<!\bof)\s+|\s+(?!nan|inf)|(?=[\[(]))"  # not "number of nan"
    rf"{_WRAPPER}['\"\[(]{{0,2}}\s*({_NUMBER})",
    re.IGNORECASE,
)
_TRIPLE = re.compile(rf"\s*(\d+)\s+({_WORD})\s+({_NUMBER})\s*$", re.IGNORECASE)
_OF_TOTAL = re.compile(r"(?:^|\[|\|)\s*(\d{1,12})\s*/\s*(\d{1,12})\b")
_INSIDE = re.compile(r"^\s*\[\s*(\d{1,12})\s*,\s*(\d{1,12})\]")
_AT_STEP = re.compile(
    rf"loss (?:at|after|for|in) (?:step|iteration|iter|epoch) (\d+)(?: is|:| =|,)? ({_NUMBER})",
    re.IGNORECASE,
)
_FILLERS = {
    *("debug", "info", "warning", "warn", "error", "notice", "trace"),
    *("at", "after", "for", "in", "is", "was", "of", "the", "has", "on"),
}
# What these stand before is a count of something else, not how far the run is.
_OF_OTHERS = {
    *("number", "num", "n", "no", "total", "max", "min", "per", "skipped", "nan", "inf", "every"),
    *("remaining", "left", "warmup", "accumulation", "save", "best", "last", "patience"),
}
_COUNTERS = re.compile(
    r"(?:\w*[_/])?(?:steps?|iters?|iterations?|it|num_updates|batch|epochs?)", re.IGNORECASE
)
# fairseq sums up an epoch in a line of the same names as those of its steps.
_EPOCH, _STEPS_OF_EPOCH = "| train |", "| train_inner |"
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# The line of the program that wrote this: loguru's module:function:line, logging's name:line.
_PLACE = re.compile(
    r"(?<!\S)(?:[\w.<>]+:[\w.<>]+:\d+(?= - )|[\w.]+:\d+(?=\s(?:DEBUG|INFO|WARNING|ERROR)\s))"
)
_WIDE = str.maketrans("\uff1a\uff0c\uff1d\uff08\uff09\uff1b", ":,=();")  # as Chinese has them
_MAX_SCANNED = 4000
_MAX_PLACE = 160


def pairs(line: str) -> dict[str, float]:
    """Names and numbers of a line, in order; the first of a name counts.

    >>> pairs("step 250: train loss 2.1, val loss 2.3 | lr=3e-4 | 12.5ms")
    {'step': 250.0, 'train loss': 2.1, 'val loss': 2.3, 'lr': 0.0003}
    """
    found: dict[str, float] = {}
    text = " ".join(line[:_MAX_SCANNED].split())
    at_step = _AT_STEP.search(text)
    if at_step is not None:
        return {"step": float(at_step[1]), "loss": _value(at_step[2])}
    for match in _PAIR.finditer(text):
        found.setdefault(_name(match[1]), _value(match[2]))
    return found


def _value(number: str) -> float:
    """The number; PaddleOCR fills up what is short, as ``nanxxx``."""
    return float(number.replace(",", "") if number[-1] not in "xX" else number.rstrip("xX"))


@lru_cache(maxsize=1000)  # a log says the same names line by line
def _name(words: str) -> str:
    """The words without those that only lead to them: ``INFO epoch``, ``loss is``, ``at step``."""
    kept = words.split()
    is_step = _OF_OTHERS.isdisjoint(words.lower().split()) and _COUNTERS.fullmatch(kept[-1])
    while len(kept) > 1 and (is_step or kept[0].lower() in _FILLERS):
        kept.pop(0)
    while len(kept) > 1 and kept[-1].lower() in _FILLERS:
        kept.pop()
    return " ".join(kept)


class _Counter:
    """Counts on what starts again with every epoch: ``[ 50/1251]``, ``[1, 2000]``."""

    def __init__(self) -> None:
        self._base = self._last = 0

    def of(self, inside: int, total: int | None) -> float:
        if inside < self._last:
            self._base += self._last if total is None else total
        self._last = inside
        return float(self._base + inside)


def _is_log(head: Head) -> bool:
    read = _LogLines(Damage())
    rows = [read(Line(0, text, True)) or {} for text in head.lines]
    return any("loss" in name.lower() or name == "train" for row in rows for name in row)


class _LogLines:
    """Reads lines for people; those that hold no loss are no damage."""

    def __init__(self, damage: Damage) -> None:
        self._counter = _Counter()
        self._blocks = Blocks()
        self._redrawn = Redrawn()
        self._has_steps_of_epoch = False

    def __call__(self, line: Line) -> Row | None:
        if not line.whole:
            return None
        text = _plain(line.text)
        triple = _TRIPLE.match(text)
        if triple is not None:
            return {"step": float(triple[1]), triple[2]: _value(triple[3])}
        short = short_line(text)
        if short is not None:
            return short
        if self._blocks.begins(text):
            return None
        if self._blocks.step is not None:
            return {"step": self._blocks.step, **pairs(text)}
        if "loss" not in text[:_MAX_SCANNED].lower():
            return None
        return self._of_loss(text)

    def _of_loss(self, text: str) -> Row | None:
        row = pairs(text)
        self._has_steps_of_epoch |= _STEPS_OF_EPOCH in text
        if self._blocks.is_test or line_is_apart(" ".join(text[:_MAX_SCANNED].split())):
            return apart(row) or None
        if self._has_steps_of_epoch and _EPOCH in text:
            return None
        names_step = any(_is_step(name) for name in row)
        if row and not names_step:
            row.update(_counted(text, self._counter))
        if row and self._redrawn(text, row, names_step=names_step):
            return None
        return row or None


def _plain(text: str) -> str:
    """The line without colours and the place that wrote it, wide colons as the usual ones."""
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    if not text.isascii():
        text = text.translate(_WIDE)
    start = text[:_MAX_PLACE]
    return _PLACE.sub(" ", start, count=1) + text[_MAX_PLACE:] if ":" in start else text


def _is_step(name: str) -> bool:
    return _COUNTERS.fullmatch(name) is not None and "epoch" not in name.lower()


def _counted(text: str, counter: _Counter) -> Row:
    """A step for a line that names none but says how far in the epoch it is."""
    inside = _INSIDE.match(text)
    if inside is not None:
        return {"step": counter.of(int(inside[2]), None)}
    of_total = list(_OF_TOTAL.finditer(text, 0, _MAX_SCANNED))
    if of_total:
        return {"step": counter.of(int(of_total[-1][1]), int(of_total[-1][2]))}
    return {}


FORMAT = Format(
    name="text",
    about="a text log with a step and a loss on a line",
    recognises=_is_log,
    rows=partial(by_line, _LogLines),
    line_reader=_LogLines,
)
