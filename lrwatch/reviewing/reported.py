"""A run that is known only by what it reports: is it lost to a rate that is too high?"""

import math
from collections.abc import Mapping
from typing import Any

from lrwatch.records import Alert, Step
from lrwatch.watcher import Watcher

VERDICT = "lrwatch"
"""The name under which a run that watches itself reports its verdict."""


class Reported:
    """Judges the results that a run reports, one by one.

    A run is lost when its loss is not finite, when the watch inside of the run found its rate too
    high (``report({"lrwatch": watch.verdict, ...})``: it has seen every step), or when the results
    alone show it. The last takes some twenty of them.

    Does not tell a slow run from a good one: that is the business of a scheduler.

    Args:
        metric: Name of the training loss among the results.
        lr: Name of the learning rate, where it is reported.
        grad_norm: Name of the gradient norm, where it is reported.
    """

    def __init__(self, metric: str = "loss", lr: str = "lr", grad_norm: str = "grad_norm") -> None:
        self._names = (metric, lr, grad_norm)
        self._watcher = Watcher()
        self.n_results = 0
        self.reason: str | None = None

    def is_lost(self, result: Mapping[str, Any]) -> bool:
        """Take a result into account; whether the run is lost by now.

        Raises:
            KeyError: If the result has no loss.
        """
        loss, lr, grad_norm = (result.get(name) for name in self._names)
        if loss is None:
            known = ", ".join(sorted(map(str, result)))
            raise KeyError(f"metric {self._names[0]!r} is not among the results: {known}")
        step = Step(
            step=self.n_results, loss=float(loss), lr=_number(lr), grad_norm=_number(grad_norm)
        )
        self.n_results += 1
        alerts = self._watcher.update(step)
        if self.reason is None:
            self.reason = _why(step.loss, result.get(VERDICT), alerts)
        return self.reason is not None


def _why(loss: float | None, verdict: Any, alerts: list[Alert]) -> str | None:
    """Why the run is lost, if it is."""
    if loss is not None and not math.isfinite(loss):
        return f"loss is {loss}"
    if verdict == "too_high":
        return "its watch found the rate too high"
    for alert in alerts:
        diverged = alert.kind == "divergence" and alert.severity == "critical"
        if diverged or alert.verdict == "too_high":
            return alert.message
    return None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
