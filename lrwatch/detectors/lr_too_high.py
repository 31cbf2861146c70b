"""The rate is too high: the run moved a lot and gained nothing, or lost what it had gained."""

import math
from typing import ClassVar

from lrwatch.detectors.collapse import collapsed
from lrwatch.detectors.detector import Detector, Looks
from lrwatch.detectors.easy_problems import batches_solved, comes_back, mostly_solved
from lrwatch.detectors.loss_alone import above, by_loss_alone
from lrwatch.detectors.rates_to_try import lower
from lrwatch.detectors.scatter import KEPT, THROWN, batches_decide, began_easy, scattered
from lrwatch.records import Alert, Kind
from lrwatch.stats.shape import Shape, has_none, shape
from lrwatch.stats.signals import Signals

# How many in the middle and in the last third of the run are more than chance.
_BURSTS = 2
# Share of young losses below the start at which a leap or a burst is waited for.
_OFTEN, _AT_TIMES = 0.35, 0.2
# Part of the fall that bursts must leave less of: those that cost less are hard samples.
_LEFT = 0.38


class LrTooHigh(Detector):
    """Alerts when the shape of the run shows updates that are too large.

    Eight pictures of it, each looked for every tenth of the run (names of
    :class:`~lrwatch.stats.shape.Shape`): the loss *stands above its start* after a leap of loss and
    norm; the norm burst tenfold and the loss *gained nothing*; a leap of the loss by hundreds of
    times its noise from which it *never came down*; a norm that fell while the loss *stayed*, where
    it fell far, had burst, or losses stood above the start (a mere plateau at the start is how deep
    nets of sigmoids begin); a *collapse* to one answer (:mod:`~lrwatch.detectors.collapse`); more
    than half of a clear fall was *given back*; a loss that *has risen* since its first tenth;
    *bursts* above the start keep coming. Without norms fewer of them can be seen
    (:mod:`~lrwatch.detectors.loss_alone`). A loss that rises while its noise shrinks is none of
    them: that is how the loss of a policy gradient looks. Noise alone makes none of them: at the
    edge of stability the loss wiggles and falls, which is normal, and batches that differ by much,
    as tiny ones do, scatter (:mod:`~lrwatch.detectors.scatter`). What an easy problem does at first
    is waited for (:mod:`~lrwatch.detectors.easy_problems`), and what a change of the task took is
    not the rate's fault (:mod:`~lrwatch.stats.changes`).

    Does not catch: a rate a few times too high whose only sign is a higher floor, which loss and
    norm of one run do not show. NaN is left to non_finite, which says the side; with zero spread
    every distance is large; sign and unit of the loss do not matter; silent before 20 losses.

    Reference: J. Cohen et al., "Gradient Descent on Neural Networks Typically Occurs at the Edge
    of Stability", 2021; J. Gilmer et al., "A Loss Curvature Perspective on Training Instability in
    Deep Learning", 2021.
    """

    kind: ClassVar[Kind] = "lr_too_high"
    looks: ClassVar[Looks] = "at_reviews"

    def update(self, s: Signals) -> Alert | None:
        """Judge the step that ``s`` was just updated with."""
        if not s.review or s.loss != s.loss or has_none(s):
            return None
        seen = shape(s)
        if seen is None:
            return None
        found = _picture(s, seen)
        return self._recovered(s, seen) if found is None else self._tell(s, seen, found)

    def _tell(self, s: Signals, seen: Shape, found: str) -> Alert | None:
        instead = lower(s, seen.norm_peak)
        has_norm = seen.norm_peak == seen.norm_peak
        norm_peak = math.exp(min(seen.norm_peak, 300.0)) if has_norm else None
        return self.tell(
            s,
            "critical" if s.n >= 64 else "warning",
            found,
            onset=s.start_step,
            verdict="too_high",
            advice=instead.start_again(s.lr),
            value=s.recent.median,
            limit=s.start,
            evidence={
                "gain": seen.gain,
                "peak": seen.peak,
                "norm_peak": norm_peak,
                **instead.evidence(s.lr),
            },
        )

    def _recovered(self, s: Signals, seen: Shape) -> Alert | None:
        if self.severity is None or seen.gain < 13.0 or seen.given_back > 0.2:
            return None
        return self.close(s, f"loss fell to {s.recent.median:.4g} all the same")


def _picture(s: Signals, x: Shape) -> str | None:
    """The first picture that fits, in words; None if none does."""
    solved = mostly_solved(s)
    stuck = None if solved else _stuck(s, x)
    return stuck or (None if _stood(x) or _changed(s) else _lost(s, x, solved))


def _stuck(s: Signals, x: Shape) -> str | None:
    """It leapt, moved, or fell back, and is no better for it."""
    return _leapt(s, x) or _stayed(s, x) or collapsed(s, x) or by_loss_alone(s, x)


def _leapt(s: Signals, x: Shape) -> str | None:
    """Loss or norm leapt, and little or nothing was gained."""
    if batches_decide(s, x):
        return None
    is_noise = comes_back(s, _OFTEN) or scattered(s)
    if s.recent.median > s.start and _stands_above(s, x) and not is_noise:
        return above(s)
    past = x.norm_peak - x.norm_now > 1.5 or x.peak > 15.0
    if past and _no_gain(s, x) and not batches_solved(s, x):
        return (
            f"gradient norm burst to {_fold(x.norm_peak)} its first value; in {s.n} steps the "
            f"loss gained only {max(x.gain, 0.0):.1f} times its noise"
        )
    return None


def _stands_above(s: Signals, x: Shape) -> bool:
    """Whether the loss leapt over its start and stands there, as no scatter of batches explains."""
    burst = x.norm_peak > _burst(x)
    over = x.peak > 8.0 and x.above_start > 1.0 and x.above_first > 0.5
    if s.n >= 20 and over and x.leap > 5.0 and burst:
        return True
    if s.n >= 28 and x.gain < -3.0 and x.leap > 8.0 and burst:
        return True
    above = x.above_start > 3.0 and x.above_first > 0.0 and x.peak > 10.0
    crept = x.drop < 4.0 and x.early > -0.5
    return s.n >= 64 and above and not crept and not _stood(x)


def _stood(x: Shape) -> bool:
    """Whether the norm is what it was all the time: the weights were not thrown anywhere."""
    return max(abs(x.norm_now), abs(x.norm_trend)) < 0.5 and x.norm_peak <= _burst(x)


def _burst(x: Shape) -> float:
    """What the log of the highest norm has to exceed to be more than the scatter of batches."""
    return max(1.2, 3.0 * x.norm_jitter)


def _stayed(s: Signals, x: Shape) -> str | None:
    """The loss stands still although something moved the weights."""
    if s.n >= 200 and x.norm_peak > 3.5 and x.peak > 20.0 and x.gain < 8.0 and x.late_ratio < 0.5:
        return (
            f"loss leapt to {s.peak:.4g} at first and stands still at {s.recent.median:.4g} since, "
            f"{x.gain:.1f} times its noise below its start"
        )
    fell = x.norm_now < -max(0.6 if s.n >= 160 else 1.2, 3.0 * x.norm_jitter)
    moved = x.norm_peak > 1.0 or x.norm_now < -2.0 or x.over_start > 0.03
    stayed = x.gain < (0.5 if s.n >= 160 else 0.3) and x.late_ratio < 0.7
    if s.n >= 100 and stayed and fell and moved:
        return (
            f"loss is no lower after {s.n} steps than at the start, while the gradient norm "
            f"fell to {math.exp(x.norm_now):.2g} of its first value: moved, to no better place"
        )
    return None


def _lost(s: Signals, x: Shape, solved: bool) -> str | None:
    """The loss came down and did not stay there."""
    rougher = x.noise_growth > 1.0 and not solved
    lost = x.given_back > 0.5 and x.drop > 4.0 and x.gain < 6.0 and x.peak > 1.0
    if s.n >= 64 and rougher and lost:
        share = min(x.given_back, 1.0)
        return f"{share:.0%} of the fall of the loss was lost again, now {s.recent.median:.4g}"
    risen = x.trend < -4.0 and x.early > 1.1 and x.given_back > 0.05 and x.drop > 4.0
    if s.n >= 100 and rougher and risen:
        return (
            f"loss stands at {s.recent.median:.4g}, higher than in the first tenth of the run: "
            "it fell at once and has risen since"
        )
    often = x.over_start > 0.04 and x.over_start * s.n >= 3 * _BURSTS
    if s.n >= 64 and often and x.bursts > 0.3 and x.drop > 2.0 and x.left_from_first < _LEFT:
        return f"{x.over_start:.0%} of the losses burst above the start {s.start:.4g}"
    return None


def _changed(s: Signals) -> bool:
    """Whether the loss is no higher than a change of the task has put it."""
    return s.recent.median < s.changes.level


def _no_gain(s: Signals, x: Shape) -> bool:
    if comes_back(s, _AT_TIMES) or began_easy(s, x) or _kept(s, x):
        return False
    burst = x.norm_peak > 2.3 and x.peak > 6.0
    if s.n < 48:
        leapt = x.norm_peak > 2.3 and x.leap > 10.0
        nothing = (burst and x.gain < 1.0) or (leapt and x.gain < 0.5)
        return s.n >= 28 and s.recent.median > s.start and nothing
    return (burst and x.gain < 2.0) or (x.norm_peak > 3.0 and x.gain < 3.0 and x.peak > 10.0)


def _kept(s: Signals, x: Shape) -> bool:
    """Whether most of a fall is there still, though it is small beside the noise of tiny batches.

    And the norm never stood far up for long: else the fall may be that from a leap at the start.
    """
    return s.n >= 100 and x.left > KEPT and x.norm_level < THROWN


def _fold(log_ratio: float) -> str:
    return f"{math.exp(log_ratio):.0f} times" if log_ratio < 9.0 else "more than 8000 times"
