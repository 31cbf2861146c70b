"""All that goes back in a rewind, kept under the name of one snapshot."""

from lrwatch.control.generators import Generators
from lrwatch.control.levels import Levels
from lrwatch.control.snapshot import Snapshots

INCUMBENT = "incumbent"


class Keeping:
    """Saves and brings back a run: its weights, moments and buffers, and what it is judged by.

    The random generators come back with the incumbent of a trial alone: that trial is to be as if
    it had not been, while a rewind goes on with other numbers than those that led to trouble.

    Args:
        snapshots: Of weights, moments and buffers.
        levels: What steps are judged by; None where nothing judges them.
    """

    def __init__(self, snapshots: Snapshots, levels: Levels | None) -> None:
        self._snapshots = snapshots
        self._levels = levels
        self._generators: Generators | None = None

    def save(self, name: str, step: int) -> None:
        """Keep the run as it is."""
        self._snapshots.save(name, step)
        if self._levels is not None:
            self._levels.mark(name)
        if name == INCUMBENT:
            self._generators = Generators()

    def load(self, name: str) -> None:
        """Bring it back."""
        self._snapshots.load(name)
        if self._levels is not None:
            self._levels.rewind(name)
        if name == INCUMBENT and self._generators is not None:
            self._generators.load()
