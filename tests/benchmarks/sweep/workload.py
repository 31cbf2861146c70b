"""A workload: what is trained, with what, and around which rate."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.sweep.optimizers import Optimizer, Schedule
from tests.benchmarks.sweep.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A training that is repeated over rates and seeds.

    Attributes:
        name: What is trained, by which shape of net.
        optimizer: Its optimizer.
        build: Makes the task from a seed; the net's weights come from torch's global generator.
        centre: Rate in the middle of the thirteen, near the best one.
        n_steps: Steps of a run.
        schedule: What the rate does over the run.
        surrogate: True where the training loss is not what the training is for, so that its
            curve alone cannot tell how good the rate is.
    """

    name: str
    optimizer: Optimizer
    build: Callable[[int], Task]
    centre: float
    n_steps: int
    schedule: Schedule = "constant"
    surrogate: bool = False

    @property
    def key(self) -> str:
        """Name of its rows in ``outcomes.csv``."""
        return f"{self.name}/{self.optimizer}"
