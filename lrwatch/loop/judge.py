"""From samples to alerts: in batches where steps are short, in order, and told to every sink."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from lrwatch.loop.guard import Guard
from lrwatch.loop.judging import Watcher
from lrwatch.loop.sample import LateSample, Sample
from lrwatch.loop.shared_steps import SharedSteps
from lrwatch.policy.calm import Calm
from lrwatch.ranks import job, parting
from lrwatch.ranks.together import Together
from lrwatch.records import Action, Alert, Point, Step
from lrwatch.sinks.run_directory import RunDirectory
from lrwatch.sinks.sink import Sink
from lrwatch.sinks.stderr import StderrSink

_MAX_BATCH = 128
_MIN_BATCH = 8
_MAX_LATE_BATCH = 64
_DELAY_S = 1.0
_LONG_DELAY_S = 2.0
_MAX_WAITING = 1024
_NO_BAND = (math.nan, math.nan)
_new: Final = tuple.__new__


class Judge:
    """Keeps samples until judging them is due, then hands them to the watcher one by one.

    Due is a batch of 128 steps (of 64 where numbers are late, as they hold slots until then), or
    what was gathered in a second (in two where that is less than eight steps, since judging starts
    with cold caches then), or a non-finite value. Where ``at_once`` every step is, but for those
    within ``bounds``, which gather as well. A sample
    whose numbers are on their way from the device is left, and so is what came after it, until they
    have arrived. In a job of several ranks a step is judged when all ranks have told it, up to a
    batch of theirs later, and on rank 0 alone it is written.

    Those that wait are ``waiting``; the first to come after ``due_s`` of the clock, ``delay_s``
    after the first of them, has all judged, and so has one that makes them ``most``, or one with a
    loss or norm above ``highest`` and ``highest_norm``. ``on_passed`` hears of each step that was
    judged after its update, with its scheduled rate; ``lr_scale`` is the factor on its rates.

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
        self._sinks: list[tuple[Sink, Guard]] = []
        self._drawn: list[tuple[Callable[[Point], None], Guard]] = []
        self._directories: list[RunDirectory] = []
        self._verdict_guard = Guard("keeping the verdict")
        self.tell(sinks)
        self.at_once = at_once
        self.on_passed: Callable[[Step, float], None] | None = None
        self.highest = self.highest_norm = math.inf
        self.most = 1 if at_once else _MAX_BATCH
        self.lr_scale = 1.0
        self._acts = False
        self._guard = Guard("judging a step")
        self.waiting: deque[Sample | LateSample] = deque()
        self.due_s = 0.0
        self.delay_s = _DELAY_S
        self._offset_s = 0.0
        self._lock = threading.RLock()
        self.on_alerts: Callable[[Sequence[Alert]], None] | None = None

    def tell(self, sinks: Sequence[Sink]) -> None:
        """Tell these sinks, too, from now on."""
        new = [(sink, Guard(f"the sink {type(sink).__name__}")) for sink in sinks]
        self._sinks += new
        self._drawn += [(s.write_point, g) for s, g in new if not isinstance(s, StderrSink)]
        self._directories += [s for s in sinks if isinstance(s, RunDirectory)]

    def take(self, sample: Sample | LateSample) -> Step | None:
        """Take a sample; return its step if it was judged at once."""
        if self._together is not None:
            self._meet(self._together)
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

        ``current`` says that the update of that last step is still to come.
        """
        step = None
        with self._lock:
            self._offset_s = time.time() - time.perf_counter()
            waiting = self.waiting
            self.delay_s = _DELAY_S if len(waiting) >= _MIN_BATCH else _LONG_DELAY_S
            while waiting and (wait or isinstance(waiting[0], Sample) or waiting[0].ready()):
                step = self._arrived(waiting.popleft(), current=current and not waiting)
            if self._shared is not None:
                for one in self._shared.turn(agree=self._acts):
                    step = self._judged(*one)
            self._keep_verdict()
        return step

    def tell_alerts(self, alerts: Sequence[Alert]) -> None:
        """Tell alerts of one step to every sink, and to who acts on them."""
        for alert in alerts:
            for sink, guard in self._sinks:
                self._tell(guard, sink.write_alert, alert)
        if alerts and self.on_alerts is not None:
            self.on_alerts(alerts)

    def write_action(self, action: Action) -> None:
        """Tell an action to every sink."""
        for sink, guard in self._sinks:
            self._tell(guard, sink.write_action, action)

    def close(self) -> None:
        """Judge what is left and close the sinks."""
        try:
            self.judge(wait=True)
            self.part()
        except Exception as error:
            self._guard.failed(error)
        self._keep_verdict(closed=True)
        for sink, guard in self._sinks:
            try:
                sink.close()
            except Exception as error:
                guard.failed(error)

    def part(self) -> None:
        """Judge what the ranks have told; from here on this rank judges by itself."""
        with self._lock:
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
                self._be_mute()

    def _be_mute(self) -> None:
        own = (RunDirectory, StderrSink)
        self._sinks = [(sink, guard) for sink, guard in self._sinks if not isinstance(sink, own)]
        self._drawn = [(s.write_point, g) for s, g in self._sinks]
        self._directories = []

    def _arrived(self, taken: Sample | LateSample, *, current: bool) -> Step | None:
        try:
            sample = taken if isinstance(taken, Sample) else taken.arrive()
            step = sample.judged(self._offset_s)
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
        if self._drawn:
            try:
                self._draw(sample, step)
            except Exception as error:
                self._guard.failed(error)
        if alerts:
            self.tell_alerts(alerts)
        return step

    def _draw(self, sample: Sample, step: Step) -> None:
        lo, hi = self.watcher.band or _NO_BAND
        point = _new(Point, (step, lo, hi, sample.lrs, sample.lr_scale))
        for write, guard in self._drawn:
            if not guard.off:
                try:
                    write(point)
                except Exception as error:
                    guard.failed(error)

    def _keep_verdict(self, *, closed: bool = False) -> None:
        """Have the run directory keep the verdict, where that is due."""
        for directory in self._directories:
            if (closed or directory.wants_verdict()) and not self._verdict_guard.off:
                try:
                    directory.write_verdict(self.watcher.verdict, closed=closed)
                except Exception as error:
                    self._verdict_guard.failed(error)

    def _tell(self, guard: Guard, write: Callable[[Any], None], record: Any) -> None:
        if guard.off:
            return
        try:
            write(record)
        except Exception as error:
            guard.failed(error)
