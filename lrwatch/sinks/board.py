"""TensorBoard's view of a run, as a stream of events; pure, so that it is tested without one."""

import math
import re
from collections import OrderedDict
from collections.abc import Mapping
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
        self._losses: OrderedDict[int, float] = OrderedDict()
        self._marked: dict[str, int] = {}
        self._loss = 0.0

    @property
    def next_step(self) -> int:
        """The step after the last one that was seen."""
        return self._step + 1

    def point(self, time_s: float, wall_s: float, point: Point) -> list[bytes]:
        """Take a point that came at ``time_s`` of a steady clock, ``wall_s`` of the wall's."""
        step = point.step.step
        if step == self._step:
            return []
        events = self._go_back(time_s, wall_s, step) if step < self._step else []
        self._step = step
        self._remember(step, point.step.loss)
        is_around_alert = self._thinning.lets_pass
        drawn = self._draw(self._thinning.add((time_s, point)), wall_s - time_s)
        if is_around_alert:
            self._around_alerts.spend(drawn)
        return events + drawn

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

    def _go_back(self, time_s: float, wall_s: float, step: int) -> list[bytes]:
        """End the segment; a restart at step 0 makes TensorBoard forget the layout as well."""
        self._losses.clear()
        self._marked.clear()
        self._digest_step = min(self._digest_step, step - 1)
        self._is_digest_due = True
        events = self.drain(wall_s - time_s)
        events.append(event.session_start(wall_s, step))
        return events if step > 0 else [*events, event.custom_scalars(wall_s, LAYOUT)]

    def _remember(self, step: int, loss: float | None) -> None:
        if loss is None or not math.isfinite(loss):
            return
        self._loss = self._losses[step] = loss
        if len(self._losses) > _REMEMBERED:
            self._losses.popitem(last=False)

    def _mark(self, wall_s: float, tag: str, step: int) -> list[bytes]:
        """A dot: the loss, then NaN. One that would touch the last of its kind is left out."""
        if step <= self._marked.get(tag, step - 1):
            return []
        self._marked[tag] = step + 1
        height = self._losses.get(step, self._loss)
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
