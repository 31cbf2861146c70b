"""The curve of a range test as a picture."""

import math
from pathlib import Path

from lrwatch.errors import LrwatchError
from lrwatch.range_test.finding import LrFinding


def check_picture(path: str | Path) -> None:
    """Whether a picture can be a file of that name, before anything is trained for it.

    Raises:
        LrwatchError: If matplotlib is not installed, or cannot write this format.
        OSError: If there is no such folder.
    """
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError as error:
        words = "a picture needs matplotlib: pip install 'lrwatch[plot]'"
        raise LrwatchError(words) from error
    known = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix.lower().removeprefix(".") not in ("", *known):
        raise LrwatchError(f"{path}: expected a name that ends in {', '.join(sorted(known))}")
    if not Path(path).absolute().parent.is_dir():
        raise NotADirectoryError(f"{path}: there is no such folder")


def save_picture(finding: LrFinding, path: str | Path) -> None:
    """Draw the curve, the trials and the suggestion to a file; its ending says the format.

    Raises:
        LrwatchError: If matplotlib is not installed, or cannot write this format.
        OSError: If the file cannot be written.
    """
    check_picture(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    curve, trials = figure.subplots(2, 1, sharex=True)
    ramp = finding.ramp
    curve.plot(ramp.lrs, ramp.losses, ".", color="tab:gray", markersize=3, label="loss")
    curve.plot(ramp.lrs, ramp.smoothed, color="tab:blue", label="smoothed")
    curve.set_xscale("log")
    if ramp.smoothed:
        fallen = max(ramp.level - min(ramp.smoothed), 1e-12)
        curve.set_ylim(min(ramp.smoothed) - 0.2 * fallen, ramp.level + 1.2 * fallen)
    curve.set_ylabel("loss of the ramp")
    kept = sorted((t for t in finding.trials if math.isfinite(t.gain)), key=lambda t: t.lr)
    trials.errorbar(
        [t.lr for t in kept], [t.gain for t in kept], [t.error for t in kept], marker="o"
    )
    trials.set_ylabel("gain of short runs")
    trials.set_xlabel("learning rate of the first parameter group")
    for chart in (curve, trials):
        if finding.lr is not None and finding.low is not None and finding.high is not None:
            chart.axvspan(finding.low, finding.high, color="tab:green", alpha=0.15)
            chart.axvline(finding.lr, color="tab:green", label=f"{finding.lr:.2g}")
    curve.legend(loc="upper left", fontsize="small")
    figure.suptitle(_title(finding), fontsize="medium", parse_math=False)
    figure.savefig(path)


def _title(finding: LrFinding) -> str:
    if finding.lr is None:
        return "no rate can be suggested"
    return f"rate {finding.lr:.2g}, range {finding.low:.2g} to {finding.high:.2g}"
