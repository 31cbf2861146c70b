"""A row of batches that stand out: bad data, or weights that have gone bad?"""

N_PATIENT = 3


class Outage:
    """Counts skipped updates in a row, and remembers whether older weights were asked.

    With the weights held still, the next loss tells: if it is normal, the batch was bad. If three
    more are not, the last good weights are brought back: a loss that is normal at once says that
    the weights had gone bad, one that is not says that the data have.

    Attributes:
        n: Updates skipped in a row.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """The batches are normal again."""
        self.n = 0
        self._asked_at: int | None = None

    def ask(self) -> None:
        """Note that older weights were brought back at this step."""
        self._asked_at = self.n

    @property
    def asked(self) -> bool:
        """Whether older weights are in place."""
        return self._asked_at is not None

    @property
    def blames_weights(self) -> bool:
        """Whether the first batch after the older weights came back was normal."""
        return self._asked_at == self.n
