"""How a run is ended that cannot be rescued."""

from lrwatch.errors import LrwatchError
from lrwatch.records import Action


class TrainingStoppedError(LrwatchError):
    """Raised out of ``optimizer.step()`` where going on would only burn the budget.

    Attributes:
        action: The record that was written before, with the reason.
    """

    def __init__(self, action: Action) -> None:
        super().__init__(f"training stopped at step {action.step}: {action.reason}")
        self.action = action
