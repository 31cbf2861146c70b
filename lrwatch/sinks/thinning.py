"""Which points are drawn: some ten a second, and every one around an alert."""

from collections import deque
from typing import Final

from lrwatch.records import Point

Timed = tuple[float, Point]

_TAPER: Final = 36_000


class Thinning:
    """Hold each point back for a moment, then let it go if one is due, or if an alert came.

    Points leave in their order, so that what is drawn never goes back. After an hour the rate
    declines as 1 / age, which keeps the file of a run of any length to some tens of megabytes.

    Args:
        interval_s: Time between two points in steady state, in seconds.
        before: Points before an alert that are drawn, as far as ``max_delay_s`` reaches back.
        after: Points after an alert that are drawn.
        max_delay_s: How long a point is held back at most: as much is lost when the process is
            killed.
    """

    def __init__(
        self,
        *,
        interval_s: float = 0.1,
        before: int = 200,
        after: int = 50,
        max_delay_s: float = 0.75,
    ) -> None:
        self._interval_s = interval_s
        self._before = before
        self._after = after
        self._max_delay_s = max_delay_s
        self._held: deque[Timed] = deque()
        self._n_wanted = 0
        self._born: float | None = None
        self._due = 0.0

    @property
    def lets_pass(self) -> bool:
        """Whether the next point is drawn because an alert came."""
        return self._n_wanted > 0

    def add(self, timed: Timed) -> list[Timed]:
        """Take a point; return those to be drawn now."""
        if self._born is None:
            self._born = self._due = timed[0]
        if self._n_wanted:
            self._n_wanted -= 1
            self._burst(timed[0])
            return [timed]
        self._held.append(timed)
        return self.expire(timed[0])

    def expire(self, now: float) -> list[Timed]:
        """Points whose time is up, or that are too many, as far as they are to be drawn."""
        held, drawn = self._held, []
        while held and (len(held) > self._before or now - held[0][0] >= self._max_delay_s):
            first = held.popleft()
            if self._is_due(first[0]):
                drawn.append(first)
        return drawn

    def alert(self) -> list[Timed]:
        """An alert came: return all that is held, and let the points that follow pass."""
        held, self._held = list(self._held), deque()
        self._n_wanted = self._after
        if held:
            self._burst(held[-1][0])
        return held

    def drain(self) -> list[Timed]:
        """Points of what is held that are to be drawn, the last one among them."""
        held, self._held = list(self._held), deque()
        return [x for i, x in enumerate(held) if self._is_due(x[0]) or i == len(held) - 1]

    def _is_due(self, time_s: float) -> bool:
        if time_s < self._due:
            return False
        self._due = max(self._due + self._interval(time_s), time_s)
        return True

    def _burst(self, time_s: float) -> None:
        self._due = time_s + self._interval(time_s)

    def _interval(self, time_s: float) -> float:
        return max(self._interval_s, (time_s - (self._born or 0.0)) / _TAPER)
