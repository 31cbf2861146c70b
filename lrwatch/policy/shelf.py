"""Which snapshots there are, and which of them are old enough to be trusted."""

from dataclasses import dataclass

N_TRUST = 10
N_SETTLED = 20


@dataclass(frozen=True, slots=True)
class Good:
    """A snapshot of a healthy run, trusted after ``wait`` steps more."""

    name: str
    step: int
    rate: float
    wait: int = N_TRUST


class Shelf:
    """The last good snapshots, newest last; their names are used in turn.

    A snapshot is trusted once the run went on well for ten more steps: trouble begins before it
    shows. The next is due after ``every`` steps, or after one in twenty of the steps so far, or
    after ``apart`` of them but one in ten at most, whichever is later.

    Args:
        n_slots: Snapshots to keep, >= 0.
        every: Steps between two of them, at least.

    Attributes:
        apart: Steps between two of them that their cost asks for.
    """

    def __init__(self, n_slots: int, *, every: int) -> None:
        self._n_slots = n_slots
        self._every = every
        self._n_taken = 0
        self.kept: list[Good] = []
        self._due = 0
        self.apart = 0
        self._records: list[tuple[int, float]] = []

    def proven(self, step: int) -> float:
        """Highest rate at which a snapshot was taken that came to be trusted, in force or not."""
        return max((rate for at, rate in self._records if step - at >= N_TRUST), default=0.0)

    def clear(self, *, rates: bool = True) -> None:
        """Forget all of them and, unless told otherwise, which rates have proven themselves."""
        self._records = [] if rates else self._records
        self.kept = []
        self._due = 0

    def is_due(self, n: int, n_total: int) -> bool:
        """Whether a snapshot is due at this step of the arm, and of the run."""
        return self._n_slots > 0 and n >= N_SETTLED and n_total >= self._due

    def take(self, step: int, n: int, rate: float, n_total: int) -> str | None:
        """Name under which to save the run now; None where no snapshot is due."""
        if not self.is_due(n, n_total):
            return None
        self._due = n_total + max(self._every, n_total // 20, min(self.apart, n_total // 10))
        name = f"good{self._n_taken % self._n_slots}"
        self._n_taken += 1
        self.kept = [*(g for g in self.kept if g.name != name), Good(name, step, rate)]
        if all(rate > other for _, other in self._records):
            self._records.append((step, rate))
        return name

    def put(self, step: int, rate: float) -> str | None:
        """Name under which to save weights that are trusted as they are: those of a checkpoint."""
        if not self._n_slots:
            return None
        self.kept = [Good("good0", step, rate, wait=0)]
        self._records = [(step - N_TRUST, rate)]
        self._n_taken = 1
        return "good0"

    def trusted(self, step: int) -> Good | None:
        """The newest snapshot that is old enough."""
        old = self.all_trusted(step)
        return old[-1] if old else None

    def all_trusted(self, step: int) -> list[Good]:
        """All that are old enough, newest last."""
        return [good for good in self.kept if step - good.step >= good.wait]

    def back_to(self, good: Good) -> None:
        """Forget what came after this one; the next is due in 20 steps of the new arm."""
        self.kept = [g for g in self.kept if g.step <= good.step]
        self._records = [(at, rate) for at, rate in self._records if at <= good.step]
        self._due = 0
