"""The watcher: one Step in, the alerts that are due at it out; the same live and offline."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from lrwatch.detectors import DETECTORS
from lrwatch.detectors.detector import Detector
from lrwatch.detectors.fine_tuning import for_pretrained
from lrwatch.detectors.hindsight import hindsight
from lrwatch.records import Alert, Kind, Side, Step, Verdict
from lrwatch.stats.signals import Signals

_UNHEALTHY: frozenset[Kind] = frozenset({"stall", "divergence", "non_finite", "vanishing_gradient"})
_MAX_ALERTS = 1000
_STATE_VERSION = 1


class Watcher:
    """Judges a run step by step; needs no torch, under 10 us a step, constant memory.

    Troubles that overlap share a number. Of a trouble of one kind there is one alert when it
    opens, one when it gets worse, one when it is over.

    Args:
        total_steps: Steps the run will take, if known, >= 1: a rate is then not called too low in
            the first tenth of the run. None if unknown.
        pretrained: Whether the model was trained before: where the loss leaps from its low start,
            advice then says so.
        surrogate: Whether the value of the loss says nothing about progress, as in reinforcement
            learning and adversarial training: only gradients and non-finite values are judged
            then, and the verdict is ``"undecided"`` unless they name a side.
        detectors: Detectors to use, one per kind; None for all of
            :data:`lrwatch.detectors.DETECTORS`.

    Raises:
        ValueError: If ``total_steps`` is below 1 or two detectors share a kind.

    >>> watcher = Watcher()
    >>> for i in range(50):
    ...     alerts = watcher.update(Step(step=i, loss=2.0 - 0.01 * i + 0.1 * (i % 3)))
    >>> [alert.kind for alert in watcher.update(Step(step=50, loss=float("nan")))]
    ['non_finite']
    """

    def __init__(
        self,
        *,
        total_steps: int | None = None,
        pretrained: bool = False,
        surrogate: bool = False,
        detectors: Sequence[Detector] | None = None,
    ) -> None:
        if total_steps is not None and total_steps < 1:
            raise ValueError(f"total_steps must be >= 1, got {total_steps}")
        self._total_steps = total_steps
        self._pretrained = pretrained
        self._surrogate = surrogate
        used = (d() for d in DETECTORS if not (surrogate and d.judges_loss))
        self._detectors = list(used if detectors is None else detectors)
        kinds = [d.kind for d in self._detectors]
        if len(set(kinds)) != len(kinds):
            raise ValueError(f"detectors must have different kinds, got {', '.join(kinds)}")
        self._due = _when_due(self._detectors)
        self.reset()

    def reset(self) -> None:
        """Forget the run."""
        self._signals = Signals(self._total_steps)
        for detector in self._detectors:
            detector.reset()
        self._alerts: list[Alert] = []
        self._open: dict[Kind, int] = {}
        self._n_troubles = 0
        self._sides: dict[Kind, Side] = {}

    def update(self, step: Step) -> list[Alert]:
        """Take one step into account; return the alerts that are due at it, most often none."""
        signals = self._signals
        signals.update(step)
        found: list[Alert] = []
        norm = signals.grad_norm
        for detector in self._due[norm == norm, signals.review]:
            alert = detector.update(signals)
            if alert is not None:
                found.append(self._file(alert))
        signals.learn()
        return found

    @property
    def surrogate(self) -> bool:
        """Whether the loss is not judged, since its value says nothing about progress."""
        return self._surrogate

    def leave_loss_out(self, why: str) -> list[Alert]:
        """Judge no loss from here on, as with ``surrogate=True``; return what that closes."""
        gone = [d for d in self._detectors if d.judges_loss]
        closed = [d.close(self._signals, why) for d in gone if d.is_open]
        alerts = [self._file(alert) for alert in closed if alert is not None]
        self._surrogate = True
        self._detectors = [d for d in self._detectors if not d.judges_loss]
        self._due = _when_due(self._detectors)
        return alerts

    @property
    def alerts(self) -> list[Alert]:
        """The last 1000 alerts, oldest first."""
        return list(self._alerts)

    @property
    def verdict(self) -> Verdict:
        """The run so far: the side named by an alert that still stands, else a look back.

        No run is called healthy while an alert stands that says it does not train.
        """
        for side in reversed(self._sides.values()):
            return side
        if self._surrogate:
            return "undecided"
        found = hindsight(self._signals)
        ill = found == "healthy" and not _UNHEALTHY.isdisjoint(self._open)
        return "undecided" if ill else found

    @property
    def band(self) -> tuple[float, float] | None:
        """Where the next loss is expected, low and high; None before the first eight losses."""
        high = self._signals.high
        return None if high != high else (2.0 * self._signals.recent.median - high, high)

    def state_dict(self) -> dict[str, Any]:
        """All state as plain JSON values: a watcher that loads it goes on with identical alerts."""
        alerts = [asdict(alert) for alert in self._alerts]
        kept = {"n_troubles": self._n_troubles, "alerts": alerts}
        return {"version": _STATE_VERSION, **self.mark(), **kept}

    def mark(self) -> dict[str, Any]:
        """The levels that steps are judged by, as they are now: for :meth:`rewind`."""
        return {
            "signals": self._signals.state_dict(),
            "detectors": {d.kind: d.state_dict() for d in self._detectors},
            "open": dict(self._open),
            "sides": dict(self._sides),
        }

    def rewind(self, mark: Mapping[str, Any]) -> list[Alert]:
        """Judge on as of the mark, since the run itself went back there; return what that closes.

        What happened since is of no weight: neither the band of the loss nor the verdict learns
        from it. Troubles that opened since are over, and alerts that were told stay told.
        """
        went = [d for d in self._detectors if d.is_open and d.kind not in mark["open"]]
        closed = [d.close(self._signals, "the run went back to before it") for d in went]
        alerts = [self._file(alert) for alert in closed if alert is not None]
        self._load(mark)
        for detector in self._detectors:
            if detector.kind not in self._open:
                detector.close(self._signals, "")
        self._sides = {k: side for k, side in mark["sides"].items() if k in self._open}
        return alerts

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what :meth:`state_dict` gave.

        Raises:
            ValueError: If it came from another version or another set of detectors.
        """
        if state.get("version") != _STATE_VERSION:
            found = state.get("version")
            raise ValueError(f"state must be of version {_STATE_VERSION}, got {found}")
        if set(state["detectors"]) == {d.kind for d in self._detectors if not d.judges_loss}:
            self.leave_loss_out("")
        if set(state["detectors"]) != {d.kind for d in self._detectors}:
            raise ValueError(f"state is of other detectors: {', '.join(state['detectors'])}")
        self._load(state)
        self._open = dict(state["open"])
        self._n_troubles = state["n_troubles"]
        self._sides = dict(state["sides"])
        self._alerts = [Alert(**alert) for alert in state["alerts"]]

    def _load(self, mark: Mapping[str, Any]) -> None:
        self._signals = Signals(self._total_steps)
        self._signals.load_state_dict(mark["signals"])
        for detector in self._detectors:
            detector.load_state_dict(mark["detectors"][detector.kind])

    def _file(self, alert: Alert) -> Alert:
        """Give the alert the number of its trouble and remember what it says of the rate."""
        if alert.state == "opened":
            self._n_troubles += not self._open
            self._open[alert.kind] = self._n_troubles
        numbered = replace(alert, trouble=self._open[alert.kind])
        if self._pretrained:
            numbered = for_pretrained(numbered, self._signals)
        if alert.state == "closed":
            del self._open[alert.kind]
            self._sides.pop(alert.kind, None)
        if alert.verdict is not None:
            self._sides[alert.kind] = alert.verdict
        self._alerts.append(numbered)
        del self._alerts[:-_MAX_ALERTS]
        return numbered


def _when_due(
    detectors: Sequence[Detector],
) -> dict[tuple[bool, bool], tuple[Detector, ...]]:
    """The detectors that look at a step, by whether it has a norm and whether it has a review."""
    return {
        (norm, review): tuple(d for d in detectors if _is_due(d, norm, review))
        for norm in (False, True)
        for review in (False, True)
    }


def _is_due(detector: Detector, norm: bool, review: bool) -> bool:
    """Whether the detector looks at a step with or without a norm and a review."""
    looks = detector.looks
    return looks == "at_every_step" or (norm if looks == "at_norms" else review)
