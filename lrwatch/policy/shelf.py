"""Which snapshots there are, and which of them are old enough to be trusted."""

from dataclasses import dataclass

N_TRUST = 10


@dataclass(frozen=True, slots=True)
class Good:
    """A snapshot of a healthy run."""

    name: str
    step: int
    rate: float


class Shelf:
    """The last good snapshots, newest last; their names are used in turn.

    A snapshot is trusted once the run went on well for ten more steps: trouble begins before it
    shows.

    Args:
        n_slots: Snapshots to keep, >= 0.
        every: Steps between two of them, at least.
    """

    def __init__(self, n_slots: int, *, every: int) -> None:
        self._n_slots = n_slots
        self._every = every
        self._n_taken = 0
        self.kept: list[Good] = []
        self._due = 20

    def clear(self) -> None:
        """Forget all of them: the run went back to its first weights."""
        self.kept = []
        self._due = 20

    def take(self, step: int, n: int, rate: float, n_total: int) -> str | None:
        """Name under which to save the run now; None where no snapshot is due."""
        if not self._n_slots or n < self._due:
            return None
        self._due = n + max(self._every, n_total // 20)
        name = f"good{self._n_taken % self._n_slots}"
        self._n_taken += 1
        self.kept = [*(g for g in self.kept if g.name != name), Good(name, step, rate)]
        return name

    def trusted(self, step: int) -> Good | None:
        """The newest snapshot that is old enough."""
        old = [good for good in self.kept if step - good.step >= N_TRUST]
        return old[-1] if old else None

    def back_to(self, good: Good) -> None:
        """Forget what came after this one; the next is due in 20 steps of the new arm."""
        self.kept = [g for g in self.kept if g.step <= good.step]
        self._due = 20
