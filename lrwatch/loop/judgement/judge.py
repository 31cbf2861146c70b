"""From samples to alerts: in batches where steps are short, in order, and told to the sinks."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from lrwatch.loop.gradient.drift import Drift
from lrwatch.loop.guard import Guard
from lrwatch.loop.judgement.judging import Watcher
from lrwatch.loop.judgement.shared_steps import SharedSteps
from lrwatch.loop.judgement.telling import Telling
from lrwatch.loop.sample import LateSample, Sample
from lrwatch.policy.calm import Calm
from lrwatch.ranks import job, parting
from lrwatch.ranks.together import Together
from lrwatch.records import Action, Alert, Point, Step
from lrwatch.sinks.sink import Sink

_MAX_BATCH = 128
_MAX_LATE_BATCH = 64
_DELAY_S = 0.75
_WITHIN_S = 1.0
_MAX_WAITING = 1024
_NO_BAND = (math.nan, math.nan)
_new: Final = tuple.__new__


class Judge:
    """Keeps samples until judging them is due, then hands them to the watcher one by one.

    Due is a batch of 128 steps (of 64 where numbers are late, as they hold slots until then), or
    what was gathered in 0.75 s (in less where a step takes more than 0.25 s, so that none waits a
    second), or a non-finite value that is not late. Where ``at_once`` every step is, but for those
    within ``bounds``, which gather as well. A sample whose numbers are on their way from the device
    is left, and so is what came after it, until they have arrived. In a job of several ranks a step
    is judged when all ranks have told it, up to a batch of theirs later, and on rank 0 alone it is
    written.

    Those that wait are ``waiting``; the first to come after ``due_s`` of the clock, ``delay_s``
    after the first of them, has all judged, and so has one that makes them ``most``, or one with a
    loss or norm above ``highest`` and ``highest_norm``. ``on_passed`` hears of each step that was
    judged after its update, with its scheduled rate; ``lr_scale`` is the factor on its rates, and
    ``drift`` knows of the way of the weights.

    Args:
        watcher: Judges steps.
        sinks: Are told, in this order.
        at_once: Whether every step is judged before its update.
        together: The ranks that train together; None where no other can matter.
    """

    def __init__(
        self,
        watcher: Watcher,
        sinks: Sequence[Sink],
        *,
        at_once: bool = False,
        together: Together | None = None,
    ) -> None:
        self.watcher = watcher
        self._together = together
        self._shared: SharedSteps | None = None
        self._telling = Telling(watcher, sinks)
        self.at_once = at_once
        self.on_passed: Callable[[Step, float], None] | None = None
        self.highest = self.highest_norm = math.inf
        self.most = 1 if at_once else _MAX_BATCH
        self.lr_scale = 1.0
        self.drift: Drift | None = None
        self._acts = self._is_agreeing = False
        self._guard = Guard("judging a step")
        self.waiting: deque[Sample | LateSample] = deque()
        self.due_s = 0.0
        self.delay_s = _DELAY_S
        self._offset_s = self._judged_s = 0.0
        self._lock = threading.RLock()
        self.on_alerts: Callable[[Sequence[Alert]], None] | None = None

    def tell(self, sinks: Sequence[Sink]) -> None:
        """Tell these sinks, too, from now on."""
        self._telling.add(sinks)

    def take(self, sample: Sample | LateSample) -> Step | None:
        """Take a sample; return its step if it was judged at once."""
        if self._together is not None:
            self._meet(self._together)
        self._is_agreeing = self._acts
        try:
            return self._taken(sample)
        finally:
            self._is_agreeing = False

    def _taken(self, sample: Sample | LateSample) -> Step | None:
        self.waiting.append(sample)
        n = len(self.waiting)
        if n == 1:
            self.due_s = sample.clock_s + self.delay_s
        most = self.most if isinstance(sample, Sample) else min(self.most, _MAX_LATE_BATCH)
        if n >= most or sample.clock_s >= self.due_s or self._is_high(sample):
            if self.at_once:
                return self.judge(wait=True, current=True)
            self.judge(wait=n >= _MAX_WAITING)
        return None

    def _is_high(self, sample: Sample | LateSample) -> bool:
        if not isinstance(sample, Sample):
            return False
        loss, norm = sample.loss or 0.0, sample.grad_norm or 0.0
        return not sample.finite() or loss > self.highest or norm > self.highest_norm

    def bound(self, calm: Calm | None) -> None:
        """Let samples gather as far as who acts on them is calm."""
        self.highest, self.highest_norm, self.most = calm or (math.inf, math.inf, 1)

    def judge(self, *, wait: bool = False, current: bool = False) -> Step | None:
        """Judge what has arrived, or everything where ``wait``; return the last step judged.

        ``current`` says that the update of that last step is still to come. While ranks that act
        agree upon one it is theirs: whoever else asks, as a signal's handler may, must not take it.
        """
        step = None
        if self._is_agreeing and not current:
            return None
        with self._lock:
            now_s, waiting = time.perf_counter(), self.waiting
            self._offset_s = time.time() - now_s
            self._expect(len(waiting), now_s)
            while waiting and (wait or isinstance(waiting[0], Sample) or waiting[0].ready()):
                step = self._arrived(waiting.popleft(), current=current and not waiting)
            if self._shared is not None:
                for one in self._shared.turn(agree=self._acts):
                    step = self._judged(*one)
            self._telling.turn(now_s, all_of_it=wait and not current)
        return step

    def leave_loss_out(self, why: str) -> None:
        """Judge no loss from here on; alerts on it are closed."""
        with self._lock:
            self.tell_alerts(self.watcher.leave_loss_out(why))

    def tell_alerts(self, alerts: Sequence[Alert]) -> None:
        """Tell alerts of one step to every sink, and to who acts on them."""
        for alert in alerts:
            self._telling.alert(alert)
        if alerts and self.on_alerts is not None:
            self.on_alerts(alerts)

    def write_action(self, action: Action) -> None:
        """Tell an action to every sink."""
        with self._lock:
            self._telling.action(action)

    def close(self) -> None:
        """Judge what is left and close the sinks."""
        try:
            self.part()
        except Exception as error:
            self._guard.failed(error)
        self._telling.close()

    def part(self) -> None:
        """Judge what the ranks have told; from here on this rank judges by itself."""
        with self._lock:
            if self._shared is not None:
                self._shared.hurry()
            self.judge(wait=True)
            shared, self._shared = self._shared, None
            parting.unlisten(self)
            for one in shared.close() if shared is not None else []:
                self._judged(*one)

    def _meet(self, together: Together) -> None:
        """Find out, at the first step, whether there are other ranks.

        Not later: a run may be through, and its process group gone, before judging is due.
        """
        self._together = None
        together.open()
        if together.alone:
            return
        with self._lock:
            self._shared = SharedSteps(together)
            self._acts = together.acts
            parting.listen(self)
            if job.rank():
                self._telling.be_mute()

    def _expect(self, n: int, now_s: float) -> None:
        """Choose how long the next steps may wait, by how long these took."""
        began_s, self._judged_s = self._judged_s, now_s
        if n and began_s:
            self.delay_s = min(max(_WITHIN_S - (now_s - began_s) / n, 0.0), _DELAY_S)

    def _arrived(self, taken: Sample | LateSample, *, current: bool) -> Step | None:
        try:
            sample = taken if isinstance(taken, Sample) else taken.arrive()
            step = sample.judged(self._offset_s)
            if self.drift is not None and self.drift.found:
                step = replace(step, drift=self.drift.take(step.step))
            if self._shared is not None:
                self._shared.take(sample, step)
                return None
        except Exception as error:
            self._guard.failed(error)
            return None
        judged = self._judged(sample, step)
        if judged is not None and self.on_passed is not None and not current:
            self.on_passed(judged, sample.lrs[0] if sample.lrs else math.nan)
        return judged

    def _judged(self, sample: Sample, step: Step) -> Step | None:
        try:
            alerts = [] if self._guard.off else self.watcher.update(step)
        except Exception as error:
            self._guard.failed(error)
            return None
        if self._telling.is_heard:
            try:
                self._draw(sample, step)
            except Exception as error:
                self._guard.failed(error)
        if alerts:
            self.tell_alerts(alerts)
        return step

    def _draw(self, sample: Sample, step: Step) -> None:
        lo, hi = self.watcher.band or _NO_BAND
        self._telling.point(_new(Point, (step, lo, hi, sample.lrs, sample.lr_scale)))
