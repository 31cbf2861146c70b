"""What is fuzzed: each takes bytes and raises if a promise is broken, whatever they are."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from lrwatch.errors import LrwatchError
from lrwatch.readers.reading import read
from lrwatch.sinks.follow import Follower
from lrwatch.sinks.framing import frame
from lrwatch.sinks.ledger_line import decode
from lrwatch.sinks.lines import line
from lrwatch.sinks.printable import printable

_LIMIT = 80
_MAX_LINE = 1 << 16
_FOLDER = Path(tempfile.mkdtemp(prefix="lrwatch-fuzz-"))


def events(data: bytes) -> None:
    """The reader of event files: it gives Steps or says what is wrong.

    The first byte tells whether what follows is the file, or records in whole frames: random bytes
    would hardly ever get past a checksum.
    """
    path = _FOLDER / "events.out.tfevents.1.fuzz"
    body = data[1:]
    if data[:1] and data[0] % 2:
        body = b"".join(frame(record) for record in body.split(b"\xff\x00"))
    path.write_bytes(body)
    try:
        n_steps = sum(1 for _ in read(path))
    except LrwatchError:
        return
    assert n_steps <= len(body), "more steps than bytes"


def follower(data: bytes) -> None:
    """The follower of alerts: appended to, cut, replaced; whole lines come once, nothing raises."""
    path = _FOLDER / "alerts.jsonl"
    path.write_bytes(b"")
    following = Follower(path, by_name=True)
    appended, came, only_appended = b"", [], True
    for step in data.split(b"\xfe"):
        what, chunk = step[:1], step[1:]
        if what == b"T":
            os.truncate(path, min(len(chunk), path.stat().st_size))
            only_appended = False
        elif what == b"R":
            (_FOLDER / "new").write_bytes(chunk)
            os.replace(_FOLDER / "new", path)
            only_appended = False
        else:
            with path.open("ab") as file:
                file.write(chunk)
            appended += chunk
        came += list(following.poll())
    following.close()
    _check_lines(came)
    if only_appended and all(len(x) <= _MAX_LINE for x in appended.split(b"\n")):
        assert came == appended.split(b"\n")[:-1], "lines lost or doubled"


def _check_lines(lines: list[bytes]) -> None:
    for raw in lines:
        for entry in decode(raw):
            if entry is not None and entry.record is not None:
                assert line(entry.record, time_s=entry.time).isprintable(), "a control character"


def sanitiser(data: bytes) -> None:
    """What is printed: no control character, within its length, the same if done twice."""
    for encoding in ("utf-8", "utf-16-le", "utf-32-le", "latin-1"):
        text = data.decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
        shown = printable(text, limit=_LIMIT)
        assert shown.isprintable(), "a control character"
        assert len(shown) <= _LIMIT, "too long"
        assert printable(shown, limit=_LIMIT) == shown, "not the same twice"
        shown.encode("utf-8")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "events": events,
    "follower": follower,
    "sanitiser": sanitiser,
}
