"""The search for a rate as a plan of runs: it asks for losses and ends with a finding."""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from lrwatch.range_test import bracket
from lrwatch.range_test.finding import LrFinding
from lrwatch.range_test.judgement import judged
from lrwatch.range_test.ramp import Ramp, exponential, has_left
from lrwatch.range_test.settings import MIN_STEPS, Settings
from lrwatch.range_test.trial import Trial

Losses = tuple[float, ...]
Kind = Literal["ramp", "alone", "trial"]

_LOWER = 1e-4
_LONGER = 4
_N_LATEST = 5
_N_SIGMAS = 10.0


@dataclass(frozen=True, slots=True)
class Run:
    """Steps to be made from the first weights on.

    Attributes:
        kind: A ramp, the weights left alone, or a trial at one rate.
        lrs: Rate of each step; 0 where no update is to be made.
        is_over: Told all losses of the run so far: whether it need not go on.
    """

    kind: Kind
    lrs: tuple[float, ...]
    is_over: Callable[[Sequence[float]], bool]


Plan = Generator[Run, Losses, LrFinding]


class OutOfStepsError(Exception):
    """Thrown into a plan where the training ends before it."""


def search(settings: Settings, *, paired: bool = True) -> Plan:
    """Ask for a ramp, then for trials around what it shows, and judge them.

    Each run begins with the same weights. The losses sent back are those before each of its steps;
    they end early where the run was over. Where the best trial gained no more than its noise, or a
    rate ten times as high nearly as much, all of them are made once more, four times as long.

    Args:
        settings: Lengths and limits.
        paired: Whether every run sees the same batches.
    """
    n_alone = max(settings.n_steps if paired else MIN_STEPS, settings.trial_steps)
    alone = yield Run("alone", (0.0,) * n_alone, _is_no_number)
    ramp = yield from _ramp(settings, alone, paired)
    if len(ramp.losses) < MIN_STEPS or not settings.trial_steps:
        return judged(settings, ramp, ())
    centre = ramp.lrs[ramp.fallen if paired else ramp.fallen_last]
    trials = yield from _trials(settings, ramp, centre, alone, paired)
    if not trials or all(trial.gain == 0 for trial in trials):
        return judged(settings, ramp, trials)
    is_flat = _best(trials).is_sure and bracket.is_flat(trials)
    if _best(trials).is_sure and not is_flat:
        return judged(settings, ramp, trials)
    patient = replace(settings, trial_steps=_LONGER * settings.trial_steps)
    centre = bracket.highest_alike(trials) if is_flat else _best(trials).lr
    longer = yield from _longer(patient, ramp, centre, paired)
    return judged(patient, ramp, longer) if longer else judged(settings, ramp, trials)


def _longer(
    settings: Settings, ramp: Ramp, centre: float, paired: bool
) -> Generator[Run, Losses, tuple[Trial, ...]]:
    """The trials again; none where steps run out."""
    try:
        alone = yield Run("alone", (0.0,) * settings.trial_steps, _is_no_number)
    except OutOfStepsError:
        return ()
    return (yield from _trials(settings, ramp, centre, alone, paired))


def _best(trials: Sequence[Trial]) -> Trial:
    ordered = bracket.by_lr(trials)
    return ordered[bracket.best_index(ordered)]


def _trials(
    settings: Settings, ramp: Ramp, centre: float, alone: Losses, paired: bool
) -> Generator[Run, Losses, tuple[Trial, ...]]:
    """Trials from the centre outwards, until the best of them is enclosed, or steps run out."""
    trials: list[Trial] = []
    alone = alone[: settings.trial_steps]
    while len(trials) < settings.max_trials:
        lr = bracket.next_lr(trials, centre)
        if lr is None:
            break
        try:
            losses = yield Run("trial", (lr,) * settings.trial_steps, _limit(ramp, trials))
        except OutOfStepsError:
            return tuple(trials) if len(trials) > 2 and bracket.is_enclosed(trials) else ()
        trials.append(Trial.of(lr, losses, alone, paired=paired))
    return tuple(trials)


def _ramp(settings: Settings, alone: Losses, paired: bool) -> Generator[Run, Losses, Ramp]:
    """The ramp; once more from far below where the loss left within its first steps."""
    ramp = Ramp.of((), (), alone)
    if not all(map(math.isfinite, alone)):
        return ramp
    for lower in (1.0, _LOWER):
        start, end = settings.start_lr * lower, settings.end_lr * math.sqrt(lower)
        lrs = exponential(start, end, settings.n_steps)
        losses = yield Run("ramp", lrs, lambda seen: has_left(seen, alone, paired=paired))
        ramp = Ramp.of(lrs, losses, alone, paired=paired)
        if len(losses) >= MIN_STEPS:
            break
    return ramp


def _limit(ramp: Ramp, trials: Sequence[Trial]) -> Callable[[Sequence[float]], bool]:
    """A trial is over where it is hopeless: far above the level at which all of them begin."""
    gains = [trial.gain for trial in trials if math.isfinite(trial.gain)]
    fallen = max([ramp.level - ramp.smoothed[ramp.lowest], *gains])
    limit = ramp.level + max(_N_SIGMAS * ramp.noise, 2 * fallen)

    def is_over(losses: Sequence[float]) -> bool:
        if not math.isfinite(losses[-1]):
            return True
        return len(losses) >= _N_LATEST and median(losses[-_N_LATEST:]) > limit

    return is_over


def _is_no_number(losses: Sequence[float]) -> bool:
    return not math.isfinite(losses[-1])
