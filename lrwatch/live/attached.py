"""An attached run: its alerts and actions from the ledger, its numbers from its event files."""

from collections.abc import Iterator
from pathlib import Path

from lrwatch.live.judged import JudgedLog
from lrwatch.live.measures import Measures
from lrwatch.records import Alert, Side, Verdict
from lrwatch.sinks.follow import Follower
from lrwatch.sinks.history import FOLDER_NAME, ledger_path
from lrwatch.sinks.ledger_line import Entry, decode


class AttachedRun:
    """What lrwatch says about a run that it is attached to.

    The verdict is the side that the ledger names; where it names none, that of a watcher that
    sees the points drawn for TensorBoard, which are too few to find an alert again.

    Args:
        path: The run directory, its lrwatch/ folder, or the ledger in it.
    """

    def __init__(self, path: Path) -> None:
        ledger = ledger_path(path)
        self._follower = Follower(ledger, by_name=True)
        folder = ledger.parent
        run = folder.parent if folder.name == FOLDER_NAME else folder
        self._points = JudgedLog(run, {})
        self._sides: dict[str, Side] = {}
        self.format = "lrwatch"

    @property
    def measures(self) -> Measures:
        """What was measured so far."""
        return self._points.measures

    @property
    def verdict(self) -> Verdict:
        """Which way the rate is wrong, as far as is known by now."""
        for side in reversed(self._sides.values()):
            return side
        verdict = self._points.verdict
        return verdict if verdict in ("healthy", "undecided") else "undecided"

    @property
    def problem(self) -> str:
        """Nothing: a run that has not written yet is waited for."""
        return ""

    @property
    def n_damaged(self) -> int:
        """Records of the event files that could not be read."""
        return self._points.log.damage.n_bad

    @property
    def is_behind(self) -> bool:
        """Whether the last poll left some of what is there for the next one."""
        return self._points.is_behind

    def poll(self, now_s: float, *, max_steps: int | None = None) -> Iterator[Entry]:
        """The alerts and actions that were written since the last call.

        Raises:
            LrwatchError: If the event files cannot be read.
            OSError: If the ledger cannot be.
        """
        for _ in self._points.poll(now_s, max_steps=max_steps):
            pass
        for line in self._follower.poll():
            for entry in decode(line):
                if entry is not None and entry.record is not None:
                    self._take(entry)
                    yield entry

    def settle(self) -> Iterator[Entry]:
        """Nothing more is to be waited for: takes the last point into account."""
        for _ in self._points.settle():
            pass
        return iter(())

    def close(self) -> None:
        """Let go of the files."""
        self._points.close()
        self._follower.close()

    def _take(self, entry: Entry) -> None:
        alert = entry.record
        if not isinstance(alert, Alert):
            return
        if alert.state == "closed":
            self._sides.pop(alert.kind, None)
        elif alert.verdict is not None:
            self._sides[alert.kind] = alert.verdict
