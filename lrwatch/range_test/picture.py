"""The curve of a range test as a picture."""

import io
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lrwatch.errors import LrwatchError
from lrwatch.range_test.ramp import Ramp
from lrwatch.range_test.trial import Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NEEDS = "a picture needs matplotlib: pip install 'lrwatch[plot]'"


class Drawable(Protocol):
    """What draws itself: a finding."""

    def plot(self) -> "Figure":
        """Draw it."""


def check_picture(path: str | Path) -> None:
    """Whether a picture can be a file of that name, before anything is trained for it.

    Raises:
        LrwatchError: If matplotlib is not installed, or cannot write this format.
        OSError: If there is no such folder.
    """
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError as error:
        raise LrwatchError(_NEEDS) from error
    known = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix.lower().removeprefix(".") not in ("", *known):
        raise LrwatchError(f"{path}: expected a name that ends in {', '.join(sorted(known))}")
    if not Path(path).absolute().parent.is_dir():
        raise NotADirectoryError(f"{path}: there is no such folder")


def save_picture(finding: Drawable, path: str | Path) -> None:
    """Draw the curve, the trials and the suggestion to a file; its ending says the format.

    Raises:
        LrwatchError: If matplotlib is not installed, or cannot write this format.
        OSError: If the file cannot be written.
    """
    check_picture(path)
    finding.plot().savefig(path)


def draw(
    ramp: Ramp, trials: Sequence[Trial], suggested: tuple[float, float, float] | None
) -> "Figure":
    """The curve above the trials.

    Args:
        ramp: The curve.
        trials: The short trainings.
        suggested: The rate and its range, or None.

    Raises:
        LrwatchError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise LrwatchError(_NEEDS) from error

    figure = Figure(figsize=(8, 6), layout="constrained")
    curve, gains = figure.subplots(2, 1, sharex=True)
    curve.plot(ramp.lrs, ramp.losses, ".", color="tab:gray", markersize=3, label="loss")
    curve.plot(ramp.lrs, ramp.smoothed, color="tab:blue", label="smoothed")
    curve.set_xscale("log")
    if ramp.smoothed:
        fallen = max(ramp.level - min(ramp.smoothed), 1e-12)
        curve.set_ylim(min(ramp.smoothed) - 0.2 * fallen, ramp.level + 1.2 * fallen)
    curve.set_ylabel("loss of the ramp")
    kept = sorted((t for t in trials if math.isfinite(t.gain)), key=lambda t: t.lr)
    gains.errorbar(
        [t.lr for t in kept], [t.gain for t in kept], [t.error for t in kept], marker="o"
    )
    gains.set_ylabel("gain of short runs")
    gains.set_xlabel("learning rate of the first parameter group")
    title = "no rate can be suggested"
    if suggested is not None:
        lr, low, high = suggested
        title = f"rate {lr:.2g}, range {low:.2g} to {high:.2g}"
        for chart in (curve, gains):
            chart.axvspan(low, high, color="tab:green", alpha=0.15)
            chart.axvline(lr, color="tab:green", label=f"{lr:.2g}")
    curve.legend(loc="upper left", fontsize="small")
    figure.suptitle(title, fontsize="medium", parse_math=False)
    figure._repr_png_ = partial(_png, figure)  # type: ignore[attr-defined]
    return figure


def _png(figure: "Figure") -> bytes:
    """As a notebook shows it that has not imported pyplot."""
    held = io.BytesIO()
    figure.savefig(held, format="png")
    return held.getvalue()
