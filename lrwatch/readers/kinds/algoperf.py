"""AlgoPerf: measurements.csv, where lines of training and of evaluation take turns."""

from lrwatch.readers.formats import Format, Head
from lrwatch.readers.kinds.delimited import TableLines, header_of, rows_of

_ITS_OWN = {"preemption_count", "accumulated_submission_time", "score"}


def _recognises(head: Head) -> bool:
    names = set(header_of(head.lines[0])) if head.lines else set()
    return "global_step" in names and bool(names & _ITS_OWN)


FORMAT = Format(
    name="algoperf",
    about="measurements.csv of the AlgoPerf benchmark",
    recognises=_recognises,
    rows=rows_of,
    line_reader=TableLines,
    columns={"step": "global_step", "loss": "loss", "grad_norm": "grad_norm"},
)
