"""TensorBoard's CSV: one curve as its page lets it be downloaded, without the name of its tag."""

from lrwatch.readers.formats import Format, Head
from lrwatch.readers.kinds.delimited import TableLines, header_of, rows_of


def _recognises(head: Head) -> bool:
    return bool(head.lines) and header_of(head.lines[0]) == ["Wall time", "Step", "Value"]


FORMAT = Format(
    name="tensorboard-csv",
    about="a curve downloaded from TensorBoard",
    recognises=_recognises,
    rows=rows_of,
    line_reader=TableLines,
    columns={"step": "Step", "loss": "Value"},
    notes=("one curve without a name: it is taken for the loss of the training",),
)
