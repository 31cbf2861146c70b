"""The watcher: one Step in, the alerts that are due at it out; the same live and offline."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lrwatch.detectors import DETECTORS
from lrwatch.detectors.detector import Detector
from lrwatch.records import Alert, Step, Verdict
from lrwatch.stats.signals import Signals

_MAX_ALERTS = 1000


class Watcher:
    def __init__(self, *, total_steps: int | None = None, detectors: Sequence[Detector] | None = None) -> None:
        self._detectors = [make() for make in DETECTORS] if detectors is None else list(detectors)
        self.reset()

    def reset(self) -> None:
        self._signals = Signals()
        for d in self._detectors:
            d.reset()
        self._alerts: list[Alert] = []
        self._trouble = 0
        self._open: dict[str, int] = {}
        self._verdict = "undecided"

    @property
    def verdict(self) -> Verdict:
        return self._verdict

    @property
    def alerts(self) -> list[Alert]:
        return list(self._alerts)

    @property
    def band(self):
        s = self._signals
        return None if s.high != s.high else (s.low, s.high)

    def update(self, step: Step) -> list[Alert]:
        s = self._signals
        s.update(step)
        found = []
        for d in self._detectors:
            a = d.update(s)
            if a is not None:
                found.append(self._number(a))
        s.learn()
        return found

    def _number(self, alert: Alert) -> Alert:
        if alert.state == "opened":
            if not self._open:
                self._trouble += 1
            self._open[alert.kind] = self._trouble
        number = self._open[alert.kind]
        if alert.state == "closed":
            del self._open[alert.kind]
        if alert.verdict:
            self._verdict = alert.verdict
        alert = replace(alert, trouble=number)
        self._alerts.append(alert)
        return alert

    def state_dict(self):
        return {}

    def load_state_dict(self, s):
        pass
