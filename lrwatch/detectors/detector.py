"""What detectors share: a trouble is one alert, raised when it gets worse, closed when over."""

import math
from typing import ClassVar, Literal

from lrwatch.records import SEVERITIES, Alert, Kind, Severity, Side
from lrwatch.stats.signals import Signals
from lrwatch.stats.state import Stateful

_FIRST_SPAN = 512
_MAX_OPENED: dict[Severity, int] = {"info": 2, "warning": 4, "critical": 6}


Looks = Literal["at_every_step", "at_norms", "at_reviews"]


class Detector(Stateful):
    """Base of all detectors: ``update(signals)`` returns an alert at the step where one is due.

    A subclass sets :attr:`kind` and, where it need not see every step, :attr:`looks`: only those
    with a finite gradient norm, or only those at which the run's shape is reviewed; and
    :attr:`judges_loss` to False where the level of the loss says nothing to it. It builds its
    state in :meth:`reset`, and calls :meth:`tell` and :meth:`close`, which keep to one alert per
    trouble. State is what is set in :meth:`reset`.
    Of troubles that come again and again, 2 (info), 4 (warning) or 6 (critical) are opened in the
    first 512 losses and in every doubling of the run, so that a storm grows with its logarithm.
    """

    kind: ClassVar[Kind]
    looks: ClassVar[Looks] = "at_every_step"
    judges_loss: ClassVar[bool] = True

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.severity: Severity | None = None
        self.onset = 0
        self._n_opened = 0
        self._span_end = _FIRST_SPAN

    def update(self, s: Signals) -> Alert | None:
        """Judge the step that ``s`` was just updated with."""
        raise NotImplementedError

    @property
    def is_open(self) -> bool:
        """Whether a trouble was told and not closed yet."""
        return self.severity is not None

    def tell(
        self,
        s: Signals,
        severity: Severity,
        message: str,
        *,
        onset: int,
        advice: str = "",
        verdict: Side | None = None,
        value: float | None = None,
        limit: float | None = None,
        evidence: dict[str, float | int | str | None] | None = None,
    ) -> Alert | None:
        """An alert if the trouble is new or worse than what was told, else None."""
        known = self.severity
        if known is not None and SEVERITIES.index(severity) <= SEVERITIES.index(known):
            return None
        if known is None:
            if not self._may_open(s, severity):
                return None
            self.onset = onset
        self.severity = severity
        return Alert(
            kind=self.kind,
            severity=severity,
            step=s.step,
            onset=min(self.onset, s.step),
            message=message,
            advice=advice,
            verdict=verdict,
            lr=_known(s.lr),
            value=_known(value),
            limit=_known(limit),
            evidence={
                name: _known(found) if isinstance(found, float) else found
                for name, found in (evidence or {}).items()
            },
            state="opened" if known is None else "raised",
        )

    def _may_open(self, s: Signals, severity: Severity) -> bool:
        """Whether one more trouble may be told in this doubling of the run; counts it if so."""
        if s.n >= self._span_end:
            self._n_opened = 0
            self._span_end = 2 * s.n
        if self._n_opened >= _MAX_OPENED[severity]:
            return False
        self._n_opened += 1
        return True

    def close(self, s: Signals, message: str) -> Alert | None:
        """The alert that says the trouble is over; None if none was open."""
        if self.severity is None:
            return None
        self.severity = None
        return Alert(
            kind=self.kind,
            severity="info",
            step=s.step,
            onset=min(self.onset, s.step),
            message=message,
            lr=_known(s.lr),
            state="closed",
        )


def _known(value: float | None) -> float | None:
    """The number, None where JSON has no word for it."""
    return value if value is not None and math.isfinite(value) else None
