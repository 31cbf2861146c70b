"""The loss stands still: at what guessing would give, or without any trend for a long run."""

from typing import ClassVar

from lrwatch.detectors.detector import Detector, Looks
from lrwatch.detectors.guessing import guessing
from lrwatch.records import Alert, Kind
from lrwatch.stats.shape import Shape, shape
from lrwatch.stats.signals import Signals


class Stall(Detector):
    """Alerts when the younger half of the run is flat at ln K, or the whole of a long run is flat.

    *Guessing*: a cross-entropy that is flat at ln K, for K classes of equal chance, has learned
    nothing that tells one input from another, however it came there. This is the one place where
    the value of a loss in its own unit says something, so it is lost when the loss is scaled or
    shifted; the numbers of classes looked for are 2, 10 and common vocabularies. *Flat*: no trend
    in ``n_flat`` losses, at the level where the run began.

    Does not catch: a plateau far below the start, which is how every healthy run ends, one just
    below it that was reached at once with a gradient that fell too (noisy targets), nor a flat run
    in which loss and norm show that the rate is too low (:mod:`~lrwatch.detectors.lr_too_low`).
    With a gradient norm nothing is said before 150 losses, without one (an old log, whose points
    are often whole epochs) not before 24. NaN is skipped, zero spread is as flat as can be.

    Reference: C. E. Shannon, "A Mathematical Theory of Communication", 1948 (ln K is the entropy
    of K equal chances).

    Args:
        n_flat: Losses without a trend that make a stall, >= 64.
    """

    kind: ClassVar[Kind] = "stall"
    looks: ClassVar[Looks] = "at_reviews"
    SETTINGS = ("_n_flat",)

    def __init__(self, *, n_flat: int = 1000) -> None:
        if n_flat < 64:
            raise ValueError(f"n_flat must be >= 64, got {n_flat}")
        self._n_flat = n_flat
        super().__init__()

    def update(self, s: Signals) -> Alert | None:
        """Judge the step that ``s`` was just updated with."""
        if not s.review or s.n < (150 if s.n_norm else 24):
            return None
        x = shape(s)
        if x is None:
            return None
        n_classes = guessing(s)
        if n_classes:
            return self._tell(
                s,
                x,
                f"loss is flat at {s.recent.median:.4g}, "
                f"as by guessing among some {n_classes} classes",
            )
        flat = abs(x.trend) < 3.0 and x.drop < 3.0 and x.peak < 12.0
        if s.n >= self._n_flat and flat and not _at_its_floor(x):
            return self._tell(
                s, x, f"loss has no trend in {s.n} values, it stands at {s.recent.median:.4g}"
            )
        if self.severity is not None and x.trend > 10.0:
            return self.close(s, f"loss has left its plateau, now {s.recent.median:.4g}")
        return None

    def _tell(self, s: Signals, x: Shape, words: str) -> Alert | None:
        return self.tell(
            s,
            "warning",
            words,
            onset=s.start_step,
            advice="check that labels match inputs and that gradients reach the first layer; then "
            "try a rate three times higher and one ten times lower",
            value=x.trend,
            limit=3.0,
            evidence={"level": s.recent.median, "start": s.start, "noise": s.recent.noise},
        )


def _at_its_floor(x: Shape) -> bool:
    """Whether the loss fell at once and the gradient with it: what noise leaves to be learned."""
    return x.early > 0.7 and x.norm_now < -0.4
