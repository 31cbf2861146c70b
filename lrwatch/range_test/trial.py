"""A trial: a short training at one rate, and what it gained over the weights left alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Self

_SHARE_JUDGED = 0.3
# Neighbouring losses of one training are alike, so that their mean is less certain than the mean
# of as many independent ones.
_ALIKE = 1.5
_N_ERRORS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a short training at one rate came to.

    Attributes:
        lr: The rate.
        gain: Fall of the loss, over the last 30 % of the steps, against weights that were left
            alone on the same batches; minus infinity where the loss left or was not finite.
        error: Standard error of the gain.
        n_steps: Steps that were made.
    """

    lr: float
    gain: float
    error: float
    n_steps: int

    @property
    def is_sure(self) -> bool:
        """Whether it gained clearly more than its noise."""
        return self.gain > _N_ERRORS * self.error

    @property
    def is_lost(self) -> bool:
        """Whether it clearly lost, or broke off."""
        return self.gain == -math.inf or -self.gain > _N_ERRORS * self.error

    @classmethod
    def of(
        cls, lr: float, losses: Sequence[float], alone: Sequence[float], *, paired: bool = True
    ) -> Self:
        """The outcome of a trial whose losses have the length of ``alone``, or broke off.

        Args:
            lr: Rate.
            losses: Losses of the trial.
            alone: Losses of the weights left alone.
            paired: Whether both saw the same batches, so that their noise cancels.
        """
        if len(losses) < len(alone) or not all(map(math.isfinite, losses)):
            return cls(lr=lr, gain=-math.inf, error=math.inf, n_steps=len(losses))
        n = max(2, int(len(alone) * _SHARE_JUDGED))
        if paired:
            gains = [a - b for a, b in zip(alone[-n:], losses[-n:], strict=True)]
            return cls(lr=lr, gain=fmean(gains), error=_error(gains), n_steps=len(losses))
        gain = fmean(alone) - fmean(losses[-n:])
        error = math.hypot(_error(alone), _error(losses[-n:]))
        return cls(lr=lr, gain=gain, error=error, n_steps=len(losses))


def _error(values: Sequence[float]) -> float:
    return _ALIKE * stdev(values) / math.sqrt(len(values))
