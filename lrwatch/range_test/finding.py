"""What a search for a rate found, or why it found none."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from lrwatch.range_test.ramp import Ramp
from lrwatch.range_test.trial import Trial
from lrwatch.records import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class LrFinding:
    """The answer of a range test.

    Attributes:
        lr: Suggested rate of the first parameter group; None where the losses support none.
        low: Lower end of the range that is worth a try; None with ``lr``.
        high: Upper end: the best rate of a *short* run, too high for most long ones.
        reason: Why this rate, or why none; one line.
        ramp: The curve.
        trials: The short trainings, in the order they were made.
        n_steps: Optimizer steps that were made, and taken back, in all.
        optimizer: Class of the optimizer.
        advice: Warm-up and decay that go with the rate.
        notes: What could not be given back, and what else is worth knowing.
    """

    lr: float | None
    low: float | None
    high: float | None
    reason: str
    ramp: Ramp
    trials: tuple[Trial, ...] = ()
    n_steps: int = 0
    optimizer: str = ""
    advice: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """The finding that :meth:`to_dict` made this of."""
        ramp = {k: _number(v) for k, v in found["ramp"].items()}
        trials = [Trial(**{k: _number(v) for k, v in trial.items()}) for trial in found["trials"]]
        parts = {"ramp": Ramp(**ramp), "trials": tuple(trials)}
        parts |= {name: tuple(found[name]) for name in ("advice", "notes")}
        return cls(**{**found, **parts})

    def to_dict(self) -> dict[str, Any]:
        """All of it, as strict JSON can hold it."""
        kept: dict[str, Any] = plain(asdict(self))
        return kept

    def plot(self) -> "Figure":
        """The curve, the trials and the suggestion (needs matplotlib)."""
        from lrwatch.range_test.picture import draw

        if self.lr is None or self.low is None or self.high is None:
            return draw(self.ramp, self.trials, None)
        return draw(self.ramp, self.trials, (self.lr, self.low, self.high))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the answer in a cell of a notebook, and not all that it rests on."""
        printer.text("\n".join([str(self), *self.advice, *self.notes]))

    def __str__(self) -> str:
        """The answer in a line."""
        if self.lr is None:
            return f"no rate can be suggested: {self.reason}"
        return f"rate {self.lr:.2g}, range {self.low:.2g} to {self.high:.2g}: {self.reason}"


def none_found(reason: str) -> LrFinding:
    """A finding without a curve."""
    return LrFinding(lr=None, low=None, high=None, reason=reason, ramp=Ramp.of((), (), ()))


def _number(value: Any) -> Any:
    """Back from JSON: lists are tuples, and non-finite numbers were written as words."""
    if isinstance(value, list):
        return tuple(map(_number, value))
    if isinstance(value, str):
        return float(value)
    return value


def rounded(lr: float) -> float:
    """Two significant digits: a rate is not known better.

    >>> rounded(0.0012345), rounded(31.4159)
    (0.0012, 31.0)
    """
    return float(f"{lr:.2g}")
