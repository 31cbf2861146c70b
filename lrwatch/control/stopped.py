"""How a run is ended that cannot be rescued."""

from lrwatch.errors import LrwatchError
from lrwatch.records import Action


class TrainingStoppedError(LrwatchError):
    """Raised out of ``optimizer.step()`` where going on would only burn the budget.

    Only a back-off raises it, and the update of that step is not made. Under the adapters of most
    frameworks the training ends in the framework's own way instead.

    Attributes:
        action: The record that was written before, with the reason.
    """

    def __init__(self, action: Action) -> None:
        super().__init__(f"training stopped at step {action.step}: {action.reason}")
        self.action = action
