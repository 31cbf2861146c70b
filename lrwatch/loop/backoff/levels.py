"""The levels that steps are judged by, kept with each snapshot and brought back with it."""

from typing import Any

from lrwatch.loop.guard import Guard
from lrwatch.loop.judgement.judge import Judge


class JudgeLevels:
    """Has a run that went back judged as of the snapshot: as one of its own, not a ruined one's.

    Args:
        judge: Its watcher is the one that goes back.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._marks: dict[str, dict[str, Any]] = {}
        self._guard = Guard("keeping the levels of a snapshot")

    def mark(self, name: str) -> None:
        """Keep the levels of now under the name of the snapshot that is taken with them."""
        if self._guard.off:
            return
        try:
            self._marks[name] = self._judge.watcher.mark()
        except Exception as error:
            self._guard.failed(error)

    def rewind(self, name: str) -> None:
        """Judge on as of that snapshot, which was just brought back."""
        if self._guard.off or name not in self._marks:
            return
        try:
            self._judge.tell_alerts(self._judge.watcher.rewind(self._marks[name]))
        except Exception as error:
            self._guard.failed(error)
