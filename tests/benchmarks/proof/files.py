"""Whether what lies in a run directory can be read, by TensorBoard's own reader."""

from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from lrwatch.sinks.history import read_entries

_HEADER, _FOOTER = 12, 4


def event_files(run: Path) -> list[Path]:
    """The event files of lrwatch in a run directory."""
    return sorted((run / "lrwatch").glob("events.out.tfevents.*"))


def events(path: Path) -> list[Event]:
    """What TensorBoard reads of an event file."""
    return [Event.FromString(data) for data in RawEventFileLoader(str(path)).Load()]


def torn_event_files(run: Path) -> int:
    """How many event files TensorBoard does not read to their last byte."""
    return sum(_n_read(path) != path.stat().st_size for path in event_files(run))


def unreadable_files(run: Path) -> int:
    """Event files that are torn, and ledgers with a line that is broken."""
    ledger = run / "lrwatch" / "alerts.jsonl"
    broken = ledger.exists() and None in list(read_entries(ledger))
    return torn_event_files(run) + broken


def _n_read(path: Path) -> int:
    records = RawEventFileLoader(str(path)).Load()
    return sum(_HEADER + len(record) + _FOOTER for record in records)
