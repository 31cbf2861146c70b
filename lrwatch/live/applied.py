"""The applied rate of an attached run: what the optimizer stepped with, from the points drawn."""

from pathlib import Path

from lrwatch.live.series import Series
from lrwatch.readers.growing import GrowingLog
from lrwatch.sinks.charts import LR_APPLIED

_TAGS = (LR_APPLIED, f"{LR_APPLIED}/0")


class AppliedRate:
    """Reads the rate of the first group as the back-off scaled it.

    Args:
        run: The run directory.

    Attributes:
        series: The rates so far.
    """

    def __init__(self, run: Path) -> None:
        self.series = Series()
        self._run = run
        self._tag = 0
        self._log = self._begun()
        self._n_begun = 0

    def poll(self) -> None:
        """Take what was appended.

        Raises:
            LrwatchError: If the event files cannot be read.
        """
        for step in self._log.poll():
            if self._log.n_begun != self._n_begun:
                self._n_begun, self.series = self._log.n_begun, Series()
            if step.lr is not None:
                self.series.add(step.lr)
        if self._log.problem is not None and self._tag + 1 < len(_TAGS):
            self.close()
            self._tag += 1
            self._log, self._n_begun = self._begun(), 0
            self.poll()

    def close(self) -> None:
        """Let go of the files."""
        self._log.close()

    def _begun(self) -> GrowingLog:
        return GrowingLog(self._run, {"lr": _TAGS[self._tag]})
