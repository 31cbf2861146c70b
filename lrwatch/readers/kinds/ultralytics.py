"""Ultralytics: results.csv of YOLO trainings, and the results.txt of early YOLOv5."""

import re
from functools import partial

from lrwatch.readers.columns import plain_name
from lrwatch.readers.formats import Format, Head
from lrwatch.readers.kinds.delimited import TableLines, header_of, rows_of
from lrwatch.readers.lines import Damage, Line, LineReader, Row, by_line
from lrwatch.readers.numbers import number

_NOTES = ("one line an epoch: every loss is a mean over the epoch",)
_TXT_LINE = re.compile(r"\s*(\d+)/\d+\s+[\d.]+G\s+\S+\s+\S+\s+\S+\s+\S+\s")
_TXT_NAMES = ("train/box_loss", "train/obj_loss", "train/cls_loss")


def _is_csv(head: Head) -> bool:
    names = {plain_name(name) for name in header_of(head.lines[0])} if head.lines else set()
    losses = [name for name in names if re.fullmatch(r"train_(\w+_)?loss", name)]
    return bool(losses) and "epoch" in names and any(n.startswith("metrics_") for n in names)


def _is_txt(head: Head) -> bool:
    return bool(head.lines) and all(_TXT_LINE.match(line) for line in head.lines[:3])


def _txt_lines(damage: Damage) -> LineReader:
    return partial(_txt_row, damage)


def _txt_row(damage: Damage, line: Line) -> Row | None:
    match = _TXT_LINE.match(line.text)
    if match is None or not line.whole:
        if line.whole and line.text.strip():
            damage.add(f"line {line.number}", "expected epoch/epochs, memory, losses")
        return None
    losses = [number(cell) for cell in line.text.split()[2:5]]
    found = {n: x for n, x in zip(_TXT_NAMES, losses, strict=False) if x is not None}
    return {"epoch": float(match[1]), **found}


CSV = Format(
    name="ultralytics",
    about="results.csv of Ultralytics YOLO and YOLOv5",
    recognises=_is_csv,
    rows=rows_of,
    line_reader=TableLines,
    columns={"step": "epoch"},
    notes=_NOTES,
)
TXT = Format(
    name="yolov5-txt",
    about="results.txt of early YOLOv5",
    recognises=_is_txt,
    rows=partial(by_line, _txt_lines),
    line_reader=_txt_lines,
    notes=_NOTES,
)
