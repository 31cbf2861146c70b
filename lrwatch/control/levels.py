"""What steps are judged by, as a controller keeps it with every snapshot."""

from typing import Protocol


class Levels(Protocol):
    """Levels that come and go with the weights: a run that went back is judged anew."""

    def mark(self, name: str) -> None:
        """Keep the levels of now under this name."""

    def rewind(self, name: str) -> None:
        """Judge on as of the snapshot of this name; does nothing where it has no mark."""
