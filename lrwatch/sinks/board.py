"""TensorBoard's view of a run, as a stream of events; pure, so that it is tested without one."""

import math
import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from lrwatch.records import Action, Alert, Point
from lrwatch.sinks import event
from lrwatch.sinks.allowance import Allowance
from lrwatch.sinks.charts import ALERTS_TOTAL, DIGEST, LAYOUT, MARK, tags
from lrwatch.sinks.digest import Digest
from lrwatch.sinks.thinning import Thinning, Timed

_REMEMBERED = 1000
_AROUND_ALERTS = 16 << 20
_OF_DIGESTS = 2 << 20


class Board:
    """Turn points, alerts and actions into events whose steps never go back unannounced.

    A point whose step is not above the last one begins a new segment: an event that tells both
    loaders of TensorBoard to forget that step and later ones. A step that repeats is left out.

    In a storm of alerts the file stays small: marks and the points around them take 16 MiB, the
    digests 2 MiB, and later some more each hour; beyond that only the points are drawn that are due
    anyway. The digest at the end is always written.

    Args:
        start_step: First step of the run, or the one at which it was resumed.
        settings: Settings of the run, for the digest.
        thinning: Which points are drawn.
    """

    def __init__(
        self,
        *,
        start_step: int = 0,
        settings: Mapping[str, Any] | None = None,
        thinning: Thinning | None = None,
    ) -> None:
        self.digest = Digest(settings)
        self._thinning = thinning or Thinning()
        self._around_alerts = Allowance(_AROUND_ALERTS, per_s=1024)
        self._digests = Allowance(_OF_DIGESTS, per_s=256)
        self._time_s = 0.0
        self._step = start_step - 1
        self._digest_step = start_step - 1
        self._is_digest_due = True
        self._seen: deque[Point] = deque(maxlen=_REMEMBERED)
        self._marked: dict[str, int] = {}
        self._loss = 0.0

    @property
    def next_step(self) -> int:
        """The step after the last one that was seen."""
        return self._step + 1

    @property
    def holds_some(self) -> bool:
        """Whether some of what was taken may be drawn later, though nothing new comes."""
        return self._thinning.holds_some

    def points(self, points: Sequence[Timed], offset_s: float) -> list[bytes]:
        """Take points, each with the time of a steady clock; ``offset_s`` turns it to wall's."""
        events: list[bytes] = []
        fresh: list[Timed] = []
        for timed in points:
            step = timed[1].step.step
            if step <= self._step:
                if step == self._step:
                    continue
                events += self._take(fresh, offset_s) + self._go_back(timed[0], offset_s, step)
                fresh = []
            self._step = step
            fresh.append(timed)
        return events + self._take(fresh, offset_s)

    def record(self, wall_s: float, record: Alert | Action, *, offset_s: float) -> list[bytes]:
        """Take an alert or action that came at ``wall_s``; ``offset_s`` turns a time to wall's."""
        self._time_s = wall_s - offset_s
        is_drawn = self._around_alerts.has_some(self._time_s)
        events = self._draw(self._thinning.alert(), offset_s) if is_drawn else []
        self.digest.add(record, wall_s)
        self._is_digest_due = True
        tag = _mark_tag(record) if is_drawn else ""
        events += self._mark(wall_s, tag, record.step) if tag else []
        self._around_alerts.spend(events)
        return events

    def expire(self, time_s: float, offset_s: float) -> list[bytes]:
        """What is to be written by now though nothing new came, and the digest if it changed."""
        self._time_s = time_s
        return self._draw(self._thinning.expire(time_s), offset_s)

    def drain(self, offset_s: float) -> list[bytes]:
        """All that is left to write."""
        return self._draw(self._thinning.drain(), offset_s)

    def renew_digest(self, wall_s: float, n_dropped: int, *, at_once: bool = False) -> list[bytes]:
        """The digest, where it changed since it was last written; always at a step of its own."""
        if not self._is_digest_due or not (at_once or self._digests.has_some(self._time_s)):
            return []
        self._is_digest_due = False
        self._digest_step = max(self._step, self._digest_step + 1)
        words = self.digest.markdown(n_dropped)
        events = [event.text(wall_s, self._digest_step, DIGEST, words)]
        self._digests.spend(events)
        return events

    def renewed_digest(self, wall_s: float, n_dropped: int) -> list[bytes]:
        """The digest once more: a new file was begun, which may have superseded it."""
        self._is_digest_due = True
        return self.renew_digest(wall_s, n_dropped, at_once=True)

    def _take(self, points: Sequence[Timed], offset_s: float) -> list[bytes]:
        """Take points whose steps rise."""
        n_around_alert = self._thinning.n_wanted
        self._seen.extend([point for _, point in points])
        losses = (point.step.loss for _, point in reversed(points))
        self._loss = next((x for x in losses if x is not None and math.isfinite(x)), self._loss)
        events = self._draw(self._thinning.add(points), offset_s)
        self._around_alerts.spend(events[:n_around_alert])
        return events

    def _go_back(self, time_s: float, offset_s: float, step: int) -> list[bytes]:
        """End the segment; a restart at step 0 makes TensorBoard forget the layout as well."""
        self._seen.clear()
        self._marked.clear()
        self._digest_step = min(self._digest_step, step - 1)
        self._is_digest_due = True
        wall_s = time_s + offset_s
        events = [*self.drain(offset_s), event.session_start(wall_s, step)]
        return events if step > 0 else [*events, event.custom_scalars(wall_s, LAYOUT)]

    def _loss_at(self, step: int) -> float:
        """The loss of a step, where it is finite; else the last one that is."""
        for seen in (point.step for point in reversed(self._seen)):
            if seen.step < step:
                break
            if seen.step == step and seen.loss is not None and math.isfinite(seen.loss):
                return seen.loss
        return self._loss

    def _mark(self, wall_s: float, tag: str, step: int) -> list[bytes]:
        """A dot: the loss, then NaN. One that would touch the last of its kind is left out."""
        if step <= self._marked.get(tag, step - 1):
            return []
        self._marked[tag] = step + 1
        height = self._loss_at(step)
        return [
            event.scalars(wall_s, step, {tag: height}),
            event.scalars(wall_s, step + 1, {tag: math.nan}),
        ]

    def _draw(self, points: list[Timed], offset_s: float) -> list[bytes]:
        total = {ALERTS_TOTAL: float(self.digest.n_opened)}
        return [
            event.scalars(time_s + offset_s, point.step.step, {**tags(point), **total})
            for time_s, point in points
        ]


def _mark_tag(record: Alert | Action) -> str:
    """Tag of the mark, empty where there is none: a recovery is not trouble."""
    if isinstance(record, Alert) and record.state == "closed":
        return ""
    kind = re.sub(r"[^a-z0-9_]", "_", str(record.kind).lower())[:40]
    is_dry = isinstance(record, Action) and record.dry_run
    return f"{MARK}{kind}_dry_run" if is_dry else f"{MARK}{kind}"
