"""Sides: which way the alerts of a ledger that still stand say that the rate is wrong."""

import math

from lrwatch.records import Alert, Side, Verdict
from lrwatch.sinks.ledger_line import Entry
from lrwatch.sinks.verdict_file import Standing


class Sides:
    """Follows a ledger, entry by entry.

    An alert stands until one of its kind says that it is over, or until the run begins anew at
    its step or an earlier one.
    """

    def __init__(self) -> None:
        self._segment = ""
        self._before: dict[str, tuple[Side, int]] = {}
        self._own: dict[str, tuple[Side, int]] = {}
        self._over_s = -math.inf

    def take(self, entry: Entry) -> None:
        """Take the next entry into account."""
        alert = entry.record
        if alert is None:
            self._begin(entry)
        elif isinstance(alert, Alert) and alert.state == "closed":
            self._before.pop(alert.kind, None)
            if self._own.pop(alert.kind, None) is not None:
                self._over_s = entry.time
        elif isinstance(alert, Alert) and alert.verdict is not None:
            self._own[alert.kind] = (alert.verdict, alert.step)

    def verdict(self, standing: Standing | None, judged: Verdict) -> Verdict:
        """Which way the rate is wrong.

        The side that an alert of the running segment names; else what the watch wrote, if it is
        of this segment and no older than its alerts; else the side that an earlier segment named.

        Args:
            standing: What the watch wrote last.
            judged: What a watcher says of the points that were drawn. They are too few to accuse
                the rate: it counts only where it does not, and nothing else is known.
        """
        for side, _ in reversed(self._own.values()):
            return side
        if standing is not None and self.holds(standing):
            return standing.verdict
        for side, _ in reversed(self._before.values()):
            return side
        return judged if judged in ("healthy", "undecided") else "undecided"

    def holds(self, standing: Standing) -> bool:
        """Whether a verdict is of the running segment, and no older than the end of its alerts."""
        return self._segment in ("", standing.run) and standing.time >= self._over_s

    def _begin(self, entry: Entry) -> None:
        start = entry.raw.get("start_step")
        step = start if isinstance(start, int) else math.inf
        found = {**self._before, **self._own}
        self._before = {kind: side for kind, side in found.items() if side[1] < step}
        self._own, self._segment, self._over_s = {}, entry.run, -math.inf
