"""Rates to try instead of one that was found wrong: how far off such rates were, by measurement."""

import math
from typing import NamedTuple

from lrwatch.stats.signals import Signals


class Instead(NamedTuple):
    """Two rates to try instead of the present one, the nearer first.

    Attributes:
        factors: What the present rate is multiplied with.
        words: The two factors in words.
    """

    factors: tuple[float, float]
    words: str

    def numbers(self, lr: float, *, when: str = "now") -> str:
        """In brackets what the rate is and what to try; empty where it is not known."""
        if not lr > 0.0:
            return ""
        nearer, farther = (f"{factor * lr:.2g}" for factor in self.factors)
        return f" ({when} {lr:.3g}, so {nearer} or {farther})"

    def start_again(self, lr: float) -> str:
        """The advice after a launch that was too hot."""
        return f"start again with {self.words}{self.numbers(lr)}"

    def evidence(self, lr: float) -> dict[str, float | int | str | None]:
        """The rate and the two by name, NaN where it is not known: an alert has None then."""
        known = lr if lr > 0.0 else math.nan
        nearer, farther = (factor * known for factor in self.factors)
        return {"lr_judged": known, "lr_to_try": nearer, "lr_to_try_next": farther}


TENTH = Instead((1 / 10, 1 / 30), "a tenth of the rate, then a thirtieth")
THIRTIETH = Instead((1 / 30, 1 / 100), "a thirtieth of the rate, then a hundredth")
HUNDREDTH = Instead((1 / 100, 1 / 300), "a hundredth of the rate, then a third of that")
TENFOLD = Instead((10.0, 30.0), "ten times the rate, then thirty times")
THIRTYFOLD = Instead((30.0, 100.0), "thirty times the rate, then a hundred times")

# Losses up to which a run is still being launched, and up to which it blew up at once.
LAUNCH = 32
_AT_ONCE = 8
# The log of ten thousand: a gradient norm that burst so far was thrown far off.
_THROWN = 9.2
# Standard errors by which a run that is only a few steps of ten too slow has gained.
_SOME = 3.0


def lower(s: Signals, norm_peak: float) -> Instead:
    """What to try after a launch that was too hot: the lower, the more harm it did.

    ``make bench-verdicts`` prints how many of the rates that are named so are good ones.

    Args:
        s: Signals at the alert.
        norm_peak: Log of the highest gradient norm over its first value; NaN where unknown.
    """
    if s.recent.median <= s.start:
        return TENTH
    return HUNDREDTH if norm_peak > _THROWN else THIRTIETH


def after_blow_up(s: Signals) -> Instead | None:
    """What to try after a launch that blew up at once, by how soon; None once it was no launch."""
    if s.n >= LAUNCH:
        return None
    return HUNDREDTH if s.n <= _AT_ONCE else THIRTIETH


def higher(gain: float) -> Instead:
    """What to try instead of a rate too low: the higher, the less the run has gained.

    Args:
        gain: Progress of the loss so far in units of its noise.
    """
    return TENFOLD if gain > _SOME else THIRTYFOLD
