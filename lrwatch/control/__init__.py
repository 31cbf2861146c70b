"""Acting on a run: the only part of lrwatch that changes a rate, a weight or its moments."""

from lrwatch.control.controller import BackoffController, build_controller
from lrwatch.control.rate import RateScale
from lrwatch.control.snapshot import Snapshots
from lrwatch.control.stopped import TrainingStoppedError

__all__ = [
    "BackoffController",
    "RateScale",
    "Snapshots",
    "TrainingStoppedError",
    "build_controller",
]
