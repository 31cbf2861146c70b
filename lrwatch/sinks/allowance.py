"""How much alerts may add to a file: much at once, little for ever."""

from collections.abc import Iterable
from typing import Final

_TAPER_S: Final = 3600.0


class Allowance:
    """So many bytes to begin with, and some more each second, up to as many again.

    After an hour what comes each second declines as 1 / age: a run that alerts without an end
    writes ``n_bytes``, and of what comes in the first hour once more for each time that its length
    is multiplied with e.

    Args:
        n_bytes: What may be written at once, > 0.
        per_s: What comes each second in the first hour, in bytes, >= 0.
    """

    def __init__(self, n_bytes: float, *, per_s: float) -> None:
        self._most = self._left = float(n_bytes)
        self._per_s = per_s
        self._born_s: float | None = None
        self._latest_s = 0.0

    def has_some(self, time_s: float) -> bool:
        """Whether anything is left at this time of a steady clock."""
        if self._born_s is None:
            self._born_s = self._latest_s = time_s
        passed_s = max(time_s - self._latest_s, 0.0)
        self._latest_s += passed_s
        age_s = max(self._latest_s - self._born_s, _TAPER_S)
        self._left = min(self._left + passed_s * self._per_s * _TAPER_S / age_s, self._most)
        return self._left > 0.0

    def spend(self, events: Iterable[bytes]) -> None:
        """Take off what was written, be it more than there was."""
        self._left -= sum(map(len, events))
