"""All that goes back in a rewind, kept under the name of one snapshot."""

import logging
import math

from torch.optim import Optimizer

from lrwatch.control.generators import Generators
from lrwatch.control.levels import Levels
from lrwatch.control.snapshot import Snapshots
from lrwatch.policy.settings import Backoff
from lrwatch.ranks.together import Together

logger = logging.getLogger("lrwatch")

INCUMBENT = "incumbent"
N_SLOTS = 6


class Keeping:
    """Saves and brings back a run: its weights, moments and buffers, and what it is judged by.

    The random generators come back with the incumbent of a trial alone: that trial is to be as if
    it had not been, while a rewind goes on with other numbers than those that led to trouble.

    Args:
        snapshots: Of weights, moments and buffers.
        levels: What steps are judged by; None where nothing judges them.
        n_slots: Snapshots that are kept at a time, at most.
        backoff: Says where they lie, and how much memory they may take.

    Attributes:
        n_left_out: Updates left out so far, for those that are tied to this run.
    """

    def __init__(
        self, snapshots: Snapshots, levels: Levels | None, *, n_slots: int, backoff: Backoff
    ) -> None:
        self._snapshots = snapshots
        self._levels = levels
        self._n_slots = n_slots
        self._backoff = backoff
        self._tied: list[Snapshots] = []
        self._generators: Generators | None = None
        self._n_saves = 0
        self._said = False
        self.n_left_out = 0

    def tie(self, optimizer: Optimizer) -> Snapshots:
        """Keep the weights of another optimizer, too, from now on.

        Raises:
            ValueError: If the first snapshot was taken already, or memory does not suffice.
        """
        if self._snapshots.steps:
            raise ValueError("an optimizer must be tied before the first step, got a later one")
        cap = self._backoff.memory_cap
        tied = Snapshots(optimizer, where=self._backoff.where, max_bytes=cap)
        all_bytes = sum(one.slot_bytes for one in (self._snapshots, *self._tied, tied))
        if self._n_slots * all_bytes > cap:
            needed = self._n_slots * all_bytes
            raise ValueError(f"memory_cap of tied optimizers must be >= {needed}, got {cap}")
        self._tied.append(tied)
        return tied

    def untie(self, tied: Snapshots) -> None:
        """Give the memory of an optimizer's snapshots back, and take no more of it."""
        tied.clear()
        self._tied = [one for one in self._tied if one is not tied]

    def clear(self) -> None:
        """Give the memory of all snapshots back."""
        for snapshots in (self._snapshots, *self._tied):
            snapshots.clear()

    def moved(self, together: Together) -> float:
        """How far the weights are from the first ones, over all ranks, in units of their size."""
        if "start" not in self._snapshots.steps:
            return math.inf
        if together.alone:
            return self._snapshots.displacement("start")
        *own, is_share = self._snapshots.norms("start")
        moved, size = together.norms(*own, is_share=is_share)
        return moved / size if size > 0 else math.inf

    def save(self, name: str, step: int) -> None:
        """Keep the run as it is."""
        for snapshots in (self._snapshots, *self._tied):
            snapshots.save(name, step)
        if self._levels is not None:
            self._levels.mark(name)
        if name == INCUMBENT:
            self._generators = Generators()
        self._n_saves += 1
        if self._n_saves.bit_count() == 1:  # to count takes a while: after 1, 2, 4, 8, ... saves
            self._count()

    def load(self, name: str, *, buffers: bool = True) -> None:
        """Bring it back, with the model's ``buffers`` or without."""
        for snapshots in (self._snapshots, *self._tied):
            snapshots.load(name, buffers=buffers)
        if self._levels is not None:
            self._levels.rewind(name)
        if name == INCUMBENT and self._generators is not None:
            self._generators.load()

    def _count(self) -> None:
        """Say it, once, where more came to be kept than was known of when it began."""
        n_bytes = sum(snapshots.n_bytes for snapshots in (self._snapshots, *self._tied))
        if n_bytes > self._backoff.memory_cap and not self._said:
            self._said = True
            now, cap = n_bytes / 2**30, self._backoff.memory_cap / 2**30
            logger.warning(
                "back-off: the snapshots take %.3g GiB by now, and memory_cap is %.3g GiB", now, cap
            )


def n_slots_for(backoff: Backoff, snapshots: Snapshots) -> int:
    """Snapshots that memory allows; says so where it is not enough for all."""
    shortage = snapshots.shortage(N_SLOTS)
    if shortage and "rewind" in backoff.rungs:
        logger.warning("back-off: %s", shortage)
    return min(N_SLOTS, snapshots.n_slots)
