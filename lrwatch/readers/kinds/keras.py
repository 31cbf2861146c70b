"""Keras: the file of its CSVLogger, one line an epoch, columns in the order of the alphabet."""

from lrwatch.readers.formats import Format, Head
from lrwatch.readers.kinds.delimited import TableLines, header_of, is_delimited, rows_of


def _recognises(head: Head) -> bool:
    names = header_of(head.lines[0]) if head.lines else []
    rest = [name for name in names[1:] if name not in ("lr", "learning_rate")]
    is_keras = names[:1] == ["epoch"] and "loss" in names and "step" not in names
    return is_keras and rest == sorted(rest) and is_delimited(head)


FORMAT = Format(
    name="keras",
    about="the file of Keras's CSVLogger",
    recognises=_recognises,
    rows=rows_of,
    line_reader=TableLines,
    columns={"step": "epoch", "loss": "loss"},
    notes=("one line an epoch: the loss is the mean over the epoch",),
)
