"""Which points are drawn: some ten a second, and every one around an alert."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from lrwatch.records import Point

Timed = tuple[float, Point]

_TAPER: Final = 36_000


class Thinning:
    """Hold each point back for a moment, then let it go if one is due, or if an alert came.

    Points leave in their order, so that what is drawn never goes back: one that is due waits for
    those before it, in case an alert wants them; where there are none, as the steps are long, it
    leaves at once. After an hour the rate declines as 1 / age, which keeps the file of a run of any
    length to some tens of megabytes.

    Args:
        interval_s: Time between two points in steady state, in seconds.
        before: Points before an alert that are drawn, as far as ``max_delay_s`` reaches back.
        after: Points after an alert that are drawn.
        max_delay_s: How long a point is held back at most: as much is lost when the process is
            killed.

    Attributes:
        n_wanted: How many of the coming points are drawn because an alert came.
    """

    def __init__(
        self,
        *,
        interval_s: float = 0.1,
        before: int = 200,
        after: int = 50,
        max_delay_s: float = 0.2,
    ) -> None:
        self._interval_s = interval_s
        self._before = before
        self._after = after
        self._max_delay_s = max_delay_s
        self._held: deque[Timed] = deque()
        self.n_wanted = 0
        self._born: float | None = None
        self._due = 0.0

    @property
    def holds_some(self) -> bool:
        """Whether points are held back."""
        return bool(self._held)

    def add(self, points: Sequence[Timed]) -> list[Timed]:
        """Take points; return those to be drawn now."""
        if not points:
            return []
        if self._born is None:
            self._born = self._due = points[0][0]
        drawn = list(points[: self.n_wanted])
        if drawn:
            self.n_wanted -= len(drawn)
            self._burst(drawn[-1][0])
        self._held.extend(points[len(drawn) :])
        return drawn + self.expire(points[-1][0])

    def expire(self, now: float) -> list[Timed]:
        """Points whose time is up, or that are too many, as far as they are to be drawn."""
        held, drawn = self._held, []
        overdue, n_old = now - self._max_delay_s, len(held) - self._before
        while held and (n_old > 0 or held[0][0] <= overdue or held[0][0] >= self._due):
            first = held.popleft()
            n_old -= 1
            if first[0] >= self._due:
                self._draw_at(first[0])
                drawn.append(first)
        return drawn

    def alert(self) -> list[Timed]:
        """An alert came: return all that is held, and let the points that follow pass."""
        held, self._held = list(self._held), deque()
        self.n_wanted = self._after
        if held:
            self._burst(held[-1][0])
        return held

    def drain(self) -> list[Timed]:
        """Points of what is held that are to be drawn, the last one among them."""
        held, self._held, drawn = self._held, deque(), []
        for one in held:
            if one[0] >= self._due or one is held[-1]:
                self._draw_at(one[0])
                drawn.append(one)
        return drawn

    def _draw_at(self, time_s: float) -> None:
        self._due = max(self._due + self._interval(time_s), time_s)

    def _burst(self, time_s: float) -> None:
        self._due = time_s + self._interval(time_s)

    def _interval(self, time_s: float) -> float:
        return max(self._interval_s, (time_s - (self._born or 0.0)) / _TAPER)
