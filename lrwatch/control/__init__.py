"""Acting on a run: the only part of lrwatch that changes a rate, a weight or its moments."""

from lrwatch.control.building import build_controller
from lrwatch.control.controller import BackoffController
from lrwatch.control.following import Follower
from lrwatch.control.rate import RateScale
from lrwatch.control.snapshot import Snapshots
from lrwatch.control.stopped import TrainingStoppedError

__all__ = [
    "BackoffController",
    "Follower",
    "RateScale",
    "Snapshots",
    "TrainingStoppedError",
    "build_controller",
]
