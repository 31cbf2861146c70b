"""The loss is flat: it has not moved since the start, or not for most of the run."""

import math
from typing import ClassVar

from lrwatch.detectors.detector import Detector
from lrwatch.records import Alert, Kind
from lrwatch.stats.signals import Signals


class Stall(Detector):
    """placeholder"""

    kind: ClassVar[Kind] = "stall"

    def update(self, s: Signals) -> Alert | None:
        return None
