"""Tells the sinks what was judged: alerts and actions at once, points some at a time."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from lrwatch.loop.guard import Guard
from lrwatch.loop.judgement.judging import Watcher
from lrwatch.records import Action, Alert, Point
from lrwatch.sinks.run_directory import RunDirectory
from lrwatch.sinks.sink import Sink
from lrwatch.sinks.stderr import StderrSink

_APART_S = 0.75


class Telling:
    """Tells every sink; one that fails three times is left out.

    Run directories are handed their points, and the verdict where that is due, all in one go, as
    each such time wakes their thread up: before an alert or action, and else 0.75 s apart at most.
    With what a run directory holds back of them, a kill thus loses a second of points.

    Args:
        watcher: Asked for its verdict.
        sinks: Are told, in this order.

    Attributes:
        is_heard: Whether anybody wants to know of points.
    """

    def __init__(self, watcher: Watcher, sinks: Sequence[Sink]) -> None:
        self._watcher = watcher
        self._sinks: list[tuple[Sink, Guard]] = []
        self._directories: list[tuple[RunDirectory, Guard]] = []
        self._others: list[tuple[Sink, Guard]] = []
        self._verdict_guard = Guard("keeping the verdict")
        self._points: list[Point] = []
        self._turned_s = self._handed_s = -math.inf
        self.is_heard = False
        self.add(sinks)

    def add(self, sinks: Sequence[Sink]) -> None:
        """Tell these, too, from now on."""
        self._know([*self._sinks, *((s, Guard(f"the sink {type(s).__name__}")) for s in sinks)])

    def be_mute(self) -> None:
        """Tell only the sinks that are the user's own."""
        from lrwatch.notify.calling import CallingSink

        ours = (RunDirectory, StderrSink, CallingSink)
        self._know([(sink, guard) for sink, guard in self._sinks if not isinstance(sink, ours)])

    def point(self, point: Point) -> None:
        """Tell of a step."""
        if self._directories:
            self._points.append(point)
        for sink, guard in self._others:
            _tell(guard, sink.write_point, point)

    def alert(self, alert: Alert) -> None:
        """Tell an alert."""
        self._hand_over()
        self._handed_s = -math.inf  # the verdict may be another one now
        for sink, guard in self._sinks:
            _tell(guard, sink.write_alert, alert)

    def action(self, action: Action) -> None:
        """Tell an action."""
        self._hand_over()
        for sink, guard in self._sinks:
            _tell(guard, sink.write_action, action)

    def turn(self, now_s: float, *, all_of_it: bool) -> None:
        """A batch was judged: hand the points over, unless that can wait for the next one."""
        between_s, self._turned_s = now_s - self._turned_s, now_s
        if all_of_it or now_s + between_s > self._handed_s + _APART_S:
            self._handed_s = now_s
            self._hand_over()
            self._keep_verdict()
            for directory, _ in self._directories:
                directory.flush()

    def close(self) -> None:
        """Hand over what is left, and close the sinks."""
        self._hand_over()
        self._keep_verdict(closed=True)
        for sink, guard in self._sinks:
            try:
                sink.close()
            except Exception as error:
                guard.failed(error)

    def _know(self, sinks: list[tuple[Sink, Guard]]) -> None:
        self._sinks = sinks
        self._directories = [(s, g) for s, g in sinks if isinstance(s, RunDirectory)]
        apart = (RunDirectory, StderrSink)
        self._others = [(s, g) for s, g in sinks if not isinstance(s, apart)]
        self.is_heard = bool(self._directories or self._others)

    def _hand_over(self) -> None:
        points, self._points = self._points, []
        if points:
            for directory, guard in self._directories:
                _tell(guard, directory.write_points, points)

    def _keep_verdict(self, *, closed: bool = False) -> None:
        """Have run directories keep the verdict, where that is due."""
        for directory, _ in self._directories:
            if (closed or directory.wants_verdict()) and not self._verdict_guard.off:
                try:
                    directory.write_verdict(self._watcher.verdict, closed=closed)
                except Exception as error:
                    self._verdict_guard.failed(error)


def _tell(guard: Guard, write: Callable[[Any], None], record: Any) -> None:
    if guard.off:
        return
    try:
        write(record)
    except Exception as error:
        guard.failed(error)
