"""The back-off as users get it, beside the rules of other systems."""

from torch import nn
from torch.optim import Optimizer

import lrwatch
from lrwatch.records import Action, Alert, Point
from tests.benchmarks.rescue.peers import (
    ClipAtOne,
    ClipByZScore,
    LowerOnPlateau,
    Nothing,
    SkipAtSixSigma,
)

NOTHING = "nothing"
BACK_OFF = "lrwatch back-off"


class Ledger:
    """A sink that counts the steps whose work the weights still carry.

    Args:
        n_steps: Steps of the run.
    """

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self._age = 0
        self._age_at: dict[int, int] = {}
        self._n = 0

    def write_point(self, point: Point) -> None:
        """Take a step into account, before its update."""
        self._n += 1
        self._age_at[point.step.step] = self._age
        self._age += 1

    def write_alert(self, alert: Alert) -> None:
        """Leave alerts alone."""

    def write_action(self, action: Action) -> None:
        """Take back the update of this step, or all since the snapshot."""
        self.actions.append(action)
        if action.kind == "skip":
            self._age = self._age_at[action.step]
        elif action.kind == "rewind" and action.to_step is not None:
            self._age = self._age_at[action.to_step]

    def close(self) -> None:
        """Nothing to close."""

    @property
    def n_lost(self) -> int:
        """Steps whose work is not in the weights."""
        return self._n - self._age


class BackOff(Nothing):
    """``attach(optimizer, model, backoff=True)``."""

    def __init__(self, optimizer: Optimizer, model: nn.Module) -> None:
        super().__init__(optimizer, model)
        self.ledger = Ledger()
        self._watch = lrwatch.attach(
            optimizer, model, run_dir=False, backoff=True, stderr=False, sinks=[self.ledger]
        )

    def step(self, index: int, loss: float) -> bool:
        """Let the watch act within the optimizer's step."""
        try:
            self.optimizer.step()
        except lrwatch.TrainingStoppedError:
            return False
        return True

    def close(self) -> None:
        """End the watch and count."""
        self._watch.close()
        self.n_lost, self.actions = self.ledger.n_lost, self.ledger.actions


REMEDIES: dict[str, type[Nothing]] = {
    NOTHING: Nothing,
    "clip_grad_norm_ 1.0": ClipAtOne,
    "ZClip": ClipByZScore,
    "skip at 6 sigma": SkipAtSixSigma,
    "ReduceLROnPlateau": LowerOnPlateau,
    BACK_OFF: BackOff,
}
