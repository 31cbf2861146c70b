"""One detector a file, named after the condition it finds."""

from lrwatch.detectors.divergence import Divergence
from lrwatch.detectors.exploding_gradient import ExplodingGradient
from lrwatch.detectors.lr_too_high import LrTooHigh
from lrwatch.detectors.lr_too_low import LrTooLow
from lrwatch.detectors.non_finite import NonFinite
from lrwatch.detectors.oscillation import Oscillation
from lrwatch.detectors.overshoot import Overshoot
from lrwatch.detectors.stall import Stall
from lrwatch.detectors.vanishing_gradient import VanishingGradient

DETECTORS = (
    NonFinite,
    Divergence,
    Overshoot,
    Oscillation,
    ExplodingGradient,
    VanishingGradient,
    Stall,
    LrTooHigh,
    LrTooLow,
)
