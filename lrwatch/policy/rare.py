"""Batches that were left out before: what comes again is no accident but a part of the data."""

from collections import deque

from lrwatch.policy.move import Seen

N_KEPT = 64
LIKE, ENOUGH = 2.0, 2


class Rare:
    """Remembers loss and gradient norm of the last 64 batches that were left out.

    A class of which one sample in five hundred is, a task that takes its turn every forty steps, a
    reward that is seldom paid: such batches stand out each time, and a run that leaves each of them
    out never learns them. So one that is no more than twice as bad as two of those before it is let
    through. Labels that are wrong in one batch of a hundred are then let through, too.
    """

    def __init__(self) -> None:
        self._left_out: deque[tuple[float, float]] = deque(maxlen=N_KEPT)

    def add(self, seen: Seen) -> None:
        """Take note of a batch that is left out."""
        self._left_out.append((abs(seen.loss), seen.grad_norm or 0.0))

    def is_known(self, seen: Seen) -> bool:
        """Whether batches like this one were left out before."""
        loss, norm = seen.loss, seen.grad_norm or 0.0
        alike = sum(loss <= LIKE * a and norm <= LIKE * b for a, b in self._left_out)
        return alike >= ENOUGH
