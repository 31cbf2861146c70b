"""Lightning: metrics.csv of its CSVLogger, where every call of log() fills other columns."""

from lrwatch.readers.formats import Format, Head
from lrwatch.readers.kinds.delimited import TableLines, body_of, header_of, is_delimited, rows_of


def _recognises(head: Head) -> bool:
    names = header_of(head.lines[0]) if head.lines else []
    if not {"epoch", "step"} <= set(names) or not is_delimited(head):
        return False
    return any("" in row for row in body_of(head))


FORMAT = Format(
    name="lightning",
    about="metrics.csv of Lightning's CSVLogger",
    recognises=_recognises,
    rows=rows_of,
    line_reader=TableLines,
    columns={"step": "step"},
)
