"""An attached run: its alerts and actions from the ledger, its numbers from its event files."""

import os
from collections.abc import Iterator
from pathlib import Path

from lrwatch.live.applied import AppliedRate
from lrwatch.live.judged import JudgedLog
from lrwatch.live.measures import Measures
from lrwatch.live.series import Series
from lrwatch.records import Action, Alert, Verdict
from lrwatch.sinks.follow import Follower
from lrwatch.sinks.history import FOLDER_NAME, ledger_path
from lrwatch.sinks.ledger_line import Entry, decode
from lrwatch.sinks.sides import Sides
from lrwatch.sinks.verdict_file import VERDICT_NAME, Standing, read_standing


class AttachedRun:
    """What lrwatch says about a run that it is attached to.

    The verdict is the side that the ledger names; where it names none, the one that the watch
    keeps beside it; where it keeps none, that of a watcher that sees the points drawn for
    TensorBoard, which are too few to find an alert again.

    Args:
        path: The run directory, its lrwatch/ folder, or the ledger in it.
    """

    def __init__(self, path: Path) -> None:
        ledger = ledger_path(path)
        self._follower = Follower(ledger, by_name=True)
        folder = ledger.parent
        run = folder.parent if folder.name == FOLDER_NAME else folder
        self._points = JudgedLog(run, {})
        self._folder = folder
        self._sides = Sides()
        self._standing: Standing | None = None
        self._seen: tuple[int, ...] = ()
        self._run = run
        self._applied: AppliedRate | None = None
        self.format = "lrwatch"

    @property
    def measures(self) -> Measures:
        """What was measured so far."""
        return self._points.measures

    @property
    def verdict(self) -> Verdict:
        """Which way the rate is wrong, as far as is known by now."""
        return self._sides.verdict(self._fresh(), self._points.verdict)

    @property
    def applied(self) -> Series | None:
        """The rate as the back-off scaled it; None where it never did."""
        return None if self._applied is None else self._applied.series

    @property
    def is_over(self) -> bool:
        """Whether the watch was closed."""
        standing = self._fresh()
        return standing is not None and standing.closed and self._sides.holds(standing)

    @property
    def problem(self) -> str:
        """Nothing: a run that has not written yet is waited for."""
        return ""

    @property
    def n_starts(self) -> int:
        """None that matters: what the ledger says of a start counts."""
        return 0

    @property
    def n_damaged(self) -> int:
        """Records of the event files that could not be read."""
        return self._points.log.damage.n_bad

    @property
    def is_behind(self) -> bool:
        """Whether the last poll left some of what is there for the next one."""
        return self._points.is_behind

    def poll(self, now_s: float, *, max_steps: int | None = None) -> Iterator[Entry]:
        """The alerts and actions that were written since the last call, and openings of segments.

        Raises:
            LrwatchError: If the event files cannot be read.
            OSError: If the ledger cannot be.
        """
        for _ in self._points.poll(now_s, max_steps=max_steps):
            pass
        for line in self._follower.poll():
            for entry in decode(line):
                if entry is None:
                    continue
                self._sides.take(entry)
                if self._applied is None and _is_scaling(entry.record):
                    self._applied = AppliedRate(self._run)
                yield entry
        if self._applied is not None:
            self._applied.poll()
        self._look()
        if self.is_over and not self._points.is_behind:
            yield from self.settle()

    def settle(self) -> Iterator[Entry]:
        """Nothing more is to be waited for: takes the last point into account."""
        for _ in self._points.settle():
            pass
        return iter(())

    def close(self) -> None:
        """Let go of the files."""
        self._points.close()
        if self._applied is not None:
            self._applied.close()
        self._follower.close()

    def _fresh(self) -> Standing | None:
        """The verdict that was kept, unless the run went on without it."""
        standing, measures = self._standing, self._points.measures
        if standing is None or measures.step is None:
            return standing
        stale = standing.is_stale(measures.step, measures.pulse.last_s)
        return None if stale else standing

    def _look(self) -> None:
        """Read the verdict that the watch keeps, where it is another file than before."""
        try:
            found = os.lstat(self._folder / VERDICT_NAME)
            seen: tuple[int, ...] = (found.st_ino, found.st_size, found.st_mtime_ns)
        except OSError:
            seen = ()
        if seen != self._seen:
            self._seen, self._standing = seen, read_standing(self._folder)


def _is_scaling(record: Alert | Action | None) -> bool:
    """Whether the rate is another than the schedule's from here on."""
    return isinstance(record, Action) and record.scale not in (None, 1.0) and not record.dry_run
