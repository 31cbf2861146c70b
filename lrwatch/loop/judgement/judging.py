"""What the loop asks of a watcher."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from lrwatch.records import Alert, Step, Verdict


class Watcher(Protocol):
    """The part of :class:`lrwatch.watcher.Watcher` that a loop uses."""

    @property
    def verdict(self) -> Verdict:
        """The run so far."""

    @property
    def alerts(self) -> Sequence[Alert]:
        """The last alerts, oldest first."""

    @property
    def band(self) -> tuple[float, float] | None:
        """Where the last loss was expected."""

    @property
    def surrogate(self) -> bool:
        """Whether the loss is not judged."""

    def leave_loss_out(self, why: str) -> list[Alert]:
        """Judge no loss from here on; return what that closes."""

    def update(self, step: Step) -> list[Alert]:
        """Take one step into account."""

    def mark(self) -> dict[str, Any]:
        """The levels of now, for ``rewind``."""

    def rewind(self, mark: Mapping[str, Any]) -> list[Alert]:
        """Judge on as of the mark."""

    def state_dict(self) -> dict[str, Any]:
        """What it takes to go on."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on."""
