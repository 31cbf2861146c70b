"""From the curve and the trials to a rate, or to the reason why there is none."""

import math
from collections.abc import Sequence

from lrwatch.range_test import bracket
from lrwatch.range_test.finding import LrFinding, rounded
from lrwatch.range_test.ramp import Ramp
from lrwatch.range_test.settings import MIN_STEPS, Settings
from lrwatch.range_test.trial import Trial

_WORTH_A_TRY = 0.7
# Where only a ramp was made: over 78 sweeps the best rate lay at this share of the lowest loss's.
_BELOW_LOWEST = 0.2


def judged(settings: Settings, ramp: Ramp, trials: tuple[Trial, ...]) -> LrFinding:
    """The finding; without trials the ramp alone is judged."""
    reason = _why_none(settings, ramp, trials)
    if reason is not None:
        return _finding(ramp, trials, None, None, None, reason)
    if not trials:
        high = ramp.lrs[ramp.lowest]
        lr = high * _BELOW_LOWEST * (2 if settings.decays else 1)
        low = lr / 4
        words = f"the loss of the ramp is lowest at {high:.2g}; no trials were made"
        return _finding(ramp, trials, lr, low, high, words)
    high = bracket.peak(trials)
    factor = settings.horizon_factor
    low = min(factor, 0.9) * bracket.lowest_with(_WORTH_A_TRY, trials)
    words = (
        f"runs of {settings.trial_steps} steps learn fastest at {high:.2g}, "
        f"{factor:.2g} of that is for {_real_run(settings)}"
    )
    return _finding(ramp, trials, high * factor, low, high, words)


def _real_run(settings: Settings) -> str:
    length = f"{settings.total_steps} steps" if settings.total_steps else "a long run"
    return f"{length}, as the peak of a schedule" if settings.decays else f"{length}"


def _finding(
    ramp: Ramp,
    trials: tuple[Trial, ...],
    lr: float | None,
    low: float | None,
    high: float | None,
    reason: str,
) -> LrFinding:
    kept = [None if x is None else rounded(x) for x in (lr, low, high)]
    return LrFinding(lr=kept[0], low=kept[1], high=kept[2], reason=reason, ramp=ramp, trials=trials)


def _why_none(settings: Settings, ramp: Ramp, trials: Sequence[Trial]) -> str | None:
    if not ramp.losses:
        return "the loss is not finite before any step is made: look at data and model"
    if len(ramp.losses) < MIN_STEPS:
        return (
            f"the curve is too short: {len(ramp.losses)} finite losses, "
            f"and it takes {MIN_STEPS}; begin lower, or give it more steps"
        )
    return _why_no_trial(settings, trials) if trials else _why_no_fall(ramp)


def _why_no_trial(settings: Settings, trials: Sequence[Trial]) -> str | None:
    ordered = bracket.by_lr(trials)
    lows, highs = f"{ordered[0].lr:.2g}", f"{ordered[-1].lr:.2g}"
    best = ordered[bracket.best_index(ordered)]
    if not math.isfinite(best.gain):
        return f"the loss leaves at every rate from {lows} to {highs}"
    if not best.is_sure:
        return _why_no_gain(settings, ordered)
    if not bracket.is_enclosed(trials):
        side = "highest" if best is ordered[-1] else "lowest"
        return f"the {side} rate tried, {best.lr:.2g}, is the best: move the ramp there"
    return None


def _why_no_gain(settings: Settings, ordered: Sequence[Trial]) -> str:
    within = f"within {settings.trial_steps} steps"
    rises = [trial.lr for trial in ordered if trial.is_lost and math.isfinite(trial.gain)]
    if rises:
        return (
            f"the loss falls at no rate: below {rises[0]:.2g} it is flat or noise only {within}, "
            "above it rises; is its sign right?"
        )
    return (
        f"flat or noise only: no rate from {ordered[0].lr:.2g} to {ordered[-1].lr:.2g} lowers the "
        f"loss by more than its noise {within}; more trial_steps may"
    )


def _why_no_fall(ramp: Ramp) -> str | None:
    if ramp.level - ramp.smoothed[ramp.lowest] > ramp.noise:
        return None
    if ramp.broke_at is not None:
        return f"the loss never falls below its noise, and it leaves at {ramp.broke_at:.2g}"
    return f"flat or noise only from {ramp.lrs[0]:.2g} to {ramp.lrs[-1]:.2g}"
