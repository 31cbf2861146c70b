"""The gradient norm leaps far above its level and stays there, or takes the loss along."""

import math
from typing import ClassVar

from lrwatch.detectors.detector import Detector, Looks
from lrwatch.records import Alert, Kind
from lrwatch.stats.signals import Signals

_QUIET = 16


class ExplodingGradient(Detector):
    """Alerts when the log of the norm stands above its median by ``factor`` for ``patience`` steps.

    It must also stand out from the recent scatter of the log norm by eight standard deviations. A
    single leap is an ``info``, and so are leaps that stay below the first norm of the run and undo
    nothing of what the loss had gained: at the floor of the loss the norm is next to nothing, and
    many times that is little yet. Leaps while the loss is above its band are critical.

    Does not catch: a norm that grows slowly, which is normal while features form. Steps without a
    norm are skipped, NaN and infinity belong to :mod:`~lrwatch.detectors.non_finite`, a norm of 0
    has no log and is skipped, zero scatter leaves only the factor, the loss only matters by its
    band. Silent for the first 16 norms.

    Reference: R. Pascanu, T. Mikolov and Y. Bengio, "On the Difficulty of Training Recurrent
    Neural Networks", 2013.

    Args:
        factor: Limit as a multiple of the median norm, > 1.
        patience: Steps in a row above it, >= 1.
    """

    kind: ClassVar[Kind] = "exploding_gradient"
    judges_loss: ClassVar[bool] = False
    looks: ClassVar[Looks] = "at_norms"
    SETTINGS = ("_factor", "_patience")

    def __init__(self, *, factor: float = 20.0, patience: int = 4) -> None:
        if not factor > 1:
            raise ValueError(f"factor must be > 1, got {factor}")
        if patience < 1:
            raise ValueError(f"patience must be >= 1, got {patience}")
        self._factor = factor
        self._patience = patience
        super().__init__()

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._streak = 0
        self._quiet = 0
        self._since = 0
        self._level = math.nan
        self._noise = 0.0

    def update(self, s: Signals) -> Alert | None:
        """Judge the step that ``s`` was just updated with."""
        if not s.grad_norm > 0.0 or s.n_norm < 16:
            return None
        if self._streak == 0:
            self._level, self._noise = s.norms.median, s.norms.noise
        leap = math.log(s.grad_norm) - self._level
        if not leap >= max(math.log(self._factor), 8.0 * self._noise):
            return self._calm(s)
        self._quiet = 0
        self._streak += 1
        if self._streak == 1:
            self._since = s.step
        undoes = s.loss > s.high and s.matters()
        lasting = self._streak >= self._patience and (undoes or s.grad_norm > s.start_norm)
        severe = lasting and undoes and s.outside >= self._patience
        return self.tell(
            s,
            "critical" if severe else "warning" if lasting else "info",
            f"gradient norm {s.grad_norm:.4g} is {math.exp(min(leap, 700.0)):.3g} times its level",
            onset=self._since,
            advice=f"clip the gradient norm at {2.0 * math.exp(self._level):.3g}, twice its level",
            value=s.grad_norm,
            limit=self._factor * math.exp(self._level),
            evidence={"level": math.exp(self._level), "n_steps": self._streak},
        )

    def _calm(self, s: Signals) -> Alert | None:
        self._streak = 0
        self._quiet += 1
        if self._quiet != _QUIET:
            return None
        return self.close(s, f"gradient norm is back at {math.exp(s.norms.median):.4g}")
