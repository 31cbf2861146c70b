"""The loss or the gradient norm is NaN or infinite."""

from typing import ClassVar

from lrwatch.detectors.detector import Detector
from lrwatch.detectors.rates_to_try import HUNDREDTH, LAUNCH
from lrwatch.records import Alert, Kind, Side
from lrwatch.stats.signals import Signals

_LASTING = 3
_QUIET = 16
_BLOW_UP = 3.0
_FIRST_UPDATES = 3
_AT_ONCE = 1000.0


class NonFinite(Detector):
    """Alerts at the first NaN or infinite loss; critical when it lasts for three in a row.

    A non-finite norm beside a finite loss is an ``info``: half precision looks for its scale that
    way. But where that loss is exactly 0 it counts as not finite: so the Trainer of Transformers
    writes a loss that was NaN, since it leaves such values out of its mean. Steps that the gradient
    scaler skipped do not count. The rate is said to be too high where the loss had left its start
    upwards, or the norm had grown a hundredfold, before it broke; and where, once it lasts, nothing
    was finite after one of the first three updates although every gradient before was, or the loss
    a thousand times its first value: then the update broke the weights. (An ``eps`` that is zero in
    half precision does so, too. So few losses have no noise to be measured by: here alone a shift
    of the loss counts.)

    Does not catch: finite blow-ups (:mod:`~lrwatch.detectors.divergence`). Missing values are not
    trouble. Closed after 16 finite losses. A first value that is NaN is judged like any other.

    Reference: IEEE 754-2019, section 6 (infinities and NaNs).
    """

    kind: ClassVar[Kind] = "non_finite"
    judges_loss: ClassVar[bool] = False

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._streak = 0
        self._finite = 0

    def update(self, s: Signals) -> Alert | None:
        """Judge the step that ``s`` was just updated with."""
        if s.loss_was_bad:
            return self._bad_loss(s)
        if s.norm_was_bad:
            return self._bad_loss(s) if s.loss == 0.0 else self._bad_norm(s)
        if s.loss == s.loss:
            self._streak = 0
            self._finite += 1
            if self.severity is not None and self._finite >= _QUIET:
                return self.close(s, f"loss finite again for {_QUIET} steps")
        return None

    def _bad_loss(self, s: Signals) -> Alert | None:
        self._streak += 1
        self._finite = 0
        lasting = self._streak >= _LASTING
        side = _side(s) or ("too_high" if lasting and _broken_at_once(s) else None)
        what = "not finite" if s.loss_was_bad else "0 with a gradient norm that is not finite"
        words = f"loss {what} for {self._streak} steps" if lasting else f"loss is {what}"
        last = s.last_loss if s.n and s.loss_was_bad else None
        before = "" if last is None else f", last finite loss {last:.4g}"
        before = before if s.n else ", from the first step on"
        return self.tell(
            s,
            "critical" if lasting else "warning",
            words + before,
            onset=s.step,
            verdict=side,
            advice=_advice(s, side),
            evidence={
                "n_bad": self._streak,
                "last_finite_loss": last,
                **(HUNDREDTH.evidence(s.lr) if _at_launch(s, side) else {}),
            },
        )

    def _bad_norm(self, s: Signals) -> Alert | None:
        self._streak = 0
        self._finite = 0
        return self.tell(
            s,
            "info",
            "gradient norm is not finite while the loss is",
            onset=s.step,
            advice="with half precision this is how the gradient scaler finds its scale; "
            "without it, look at this batch",
        )


def _side(s: Signals) -> Side | None:
    if s.n < 2:
        return None
    far = s.last_loss - s.start > _BLOW_UP * max(s.first_spread, s.recent.noise, s.swing)
    grown = s.norm_peak > 100.0 * s.start_norm > 0.0
    return "too_high" if far or grown else None


def _broken_at_once(s: Signals) -> bool:
    blown_up = s.n_norm > 0 and s.last_loss - s.start > _AT_ONCE * abs(s.start)
    return 0 < s.n <= _FIRST_UPDATES and (s.n_norm == s.n or blown_up)


def _at_launch(s: Signals, side: Side | None) -> bool:
    return side == "too_high" and s.n < LAUNCH


def _advice(s: Signals, side: Side | None) -> str:
    if _at_launch(s, side):
        return HUNDREDTH.start_again(s.lr)
    if side == "too_high":
        return "go back to a checkpoint from before the rise and train on with a third of the rate"
    return "look at this batch and at divisions, logarithms and half precision in the model"
