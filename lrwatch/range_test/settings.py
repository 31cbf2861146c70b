"""What a search for a rate is told: where the ramp begins and ends, and how long things take."""

import math
from dataclasses import dataclass

MIN_STEPS = 20
# The best rate of a short run is too high for a long one. Over 78 sweeps of 700 to 2000 steps the
# ratio went with the 0.3rd power of the lengths, for trials of 25 to 100 steps.
_HORIZON_POWER = 0.3
# A cosine or a line to zero has half of its peak as its mean.
_PEAK_OVER_MEAN = 2.0
_USUAL_RATIO, _MAX_RATIO = 20.0, 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Lengths and limits of a search.

    Attributes:
        start_lr: First rate of the ramp, > 0.
        end_lr: Last rate of the ramp, at least ten times ``start_lr``.
        n_steps: Steps of the ramp, >= 20.
        trial_steps: Steps of each short training at one rate, >= 20; 0 leaves them out, and the
            ramp alone is judged.
        max_trials: Most short trainings, >= 3.
        total_steps: Planned steps of the training that the rate is for, >= 1; None if not known.
        decays: Whether that training warms the rate up, and lets it decay to about zero; what is
            suggested is then the peak.

    Raises:
        ValueError: If a number is out of its range.
    """

    start_lr: float = 1e-6
    end_lr: float = 100.0
    n_steps: int = 100
    trial_steps: int = 50
    max_trials: int = 9
    total_steps: int | None = None
    decays: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_lr) and self.start_lr > 0):
            raise ValueError(f"start_lr must be finite and > 0, got {self.start_lr}")
        if not (math.isfinite(self.end_lr) and self.end_lr >= 10 * self.start_lr):
            raise ValueError(f"end_lr must be >= 10 * start_lr, got {self.end_lr}")
        if self.n_steps < MIN_STEPS:
            raise ValueError(f"n_steps must be >= {MIN_STEPS}, got {self.n_steps}")
        if self.trial_steps != 0 and self.trial_steps < MIN_STEPS:
            raise ValueError(f"trial_steps must be 0 or >= {MIN_STEPS}, got {self.trial_steps}")
        if self.max_trials < 3:
            raise ValueError(f"max_trials must be >= 3, got {self.max_trials}")
        if self.total_steps is not None and self.total_steps < 1:
            raise ValueError(f"total_steps must be >= 1, got {self.total_steps}")

    @property
    def horizon_factor(self) -> float:
        """What the best rate of a trial is multiplied with, for a run of ``total_steps``.

        >>> round(Settings(trial_steps=50).horizon_factor, 2)
        0.41
        >>> round(Settings(trial_steps=50, decays=True).horizon_factor, 2)
        0.81
        """
        ratio = _USUAL_RATIO
        if self.total_steps is not None and self.trial_steps:
            ratio = min(max(self.total_steps / self.trial_steps, 1.0), _MAX_RATIO)
        factor = float(ratio**-_HORIZON_POWER)
        return min(_PEAK_OVER_MEAN * factor, 1.0) if self.decays else factor
