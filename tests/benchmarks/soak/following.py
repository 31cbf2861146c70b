"""``lrwatch tail -f`` beside a ledger of a million lines, and beside one that nobody writes to."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lrwatch.records import Alert
from lrwatch.sinks.ledger_line import encode
from tests.benchmarks.proof.figure import Figure
from tests.benchmarks.soak.resources import Held, processor_s

_CHUNK = 5000
_IDLE_S = 20.0
_PATIENCE_S = 120.0


def _line(step: int) -> bytes:
    alert = Alert(kind="stall", severity="info", step=step, onset=0, message="the loss stands")
    return encode(alert, time_s=1e9 + step, run="soak")


class _Shown:
    """The lines that a follower has written so far."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._n_bytes = self.n_lines = 0

    def wait_for(self, n_lines: int) -> None:
        """Return when there are as many, or after two minutes."""
        end_s = time.monotonic() + _PATIENCE_S
        while self._count() < n_lines and time.monotonic() < end_s:
            time.sleep(0.05)

    def _count(self) -> int:
        with self._path.open("rb") as file:
            file.seek(self._n_bytes)
            data = file.read()
        self._n_bytes, self.n_lines = self._n_bytes + len(data), self.n_lines + data.count(b"\n")
        return self.n_lines


def soak(n_lines: int) -> Figure:
    """Append ``n_lines`` as they are followed; then append none."""
    with tempfile.TemporaryDirectory() as folder:
        ledger, out = Path(folder) / "lrwatch" / "alerts.jsonl", Path(folder) / "followed"
        ledger.parent.mkdir()
        ledger.write_bytes(_line(0))
        words = [sys.executable, "-m", "lrwatch", "tail", "-f", "-n", "1", "--json", folder]
        with out.open("wb") as stream:
            tail = subprocess.Popen(words, stdout=stream)
        try:
            shown = _Shown(out)
            shown.wait_for(1)
            start, end = _fed(tail.pid, ledger, shown, n_lines)
            busy_s = processor_s(tail.pid)
            time.sleep(_IDLE_S)
            idle = (processor_s(tail.pid) - busy_s) / _IDLE_S
        finally:
            tail.terminate()
            tail.wait()
    text = (
        f"tail -f over {n_lines:,} lines: {shown.n_lines:,} shown; {end.grown(start)} in the last "
        f"nine tenths; {busy_s / n_lines * 1e6:.0f} us a line; {100 * idle:.1f} % of a processor "
        "when nothing comes"
    )
    flat = end.rss - start.rss <= 2**20 and end.n_files == start.n_files
    return Figure(text, shown.n_lines == n_lines and flat and idle < 0.01)


def _fed(pid: int, ledger: Path, shown: _Shown, n_lines: int) -> tuple[Held, Held]:
    """What the follower holds after a tenth of the lines, and after all."""
    start = None
    with ledger.open("ab") as file:
        for first in range(0, n_lines, _CHUNK):
            if start is None and first >= n_lines // 10:
                start = Held.now(pid)
            steps = range(max(first, 1), min(first + _CHUNK, n_lines))
            file.write(b"".join(map(_line, steps)))
            file.flush()
            shown.wait_for(steps.stop)
    end = Held.now(pid)
    return start or end, end
