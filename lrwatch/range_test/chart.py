"""The curve of a range test as text, for a terminal."""

import math
from collections.abc import Sequence

from lrwatch.range_test.finding import LrFinding

_WIDTH, _HEIGHT = 64, 12
_SHOWN_ABOVE = 0.6


def chart(finding: LrFinding, *, width: int = _WIDTH, height: int = _HEIGHT) -> str:
    """The smoothed loss over the rate, on a logarithmic axis, the suggestion as a column of ``|``.

    Where the loss breaks it is cut, so that the fall before stays visible. Empty without a curve.

    Args:
        finding: What to draw.
        width: Columns of the chart, without its labels, >= 10.
        height: Rows, >= 3.
    """
    ramp = finding.ramp
    if len(ramp.lrs) < 2:
        return ""
    lowest, top = min(ramp.smoothed), _top(ramp.smoothed, ramp.level)
    span = (top - lowest) or 1.0
    rows = [[" "] * width for _ in range(height)]
    ends = math.log(ramp.lrs[0]), math.log(ramp.lrs[-1])
    if finding.lr is not None:
        _mark(rows, finding.lr, ends)
    for lr, loss in zip(ramp.lrs, ramp.smoothed, strict=True):
        row = min(max(round((top - loss) / span * (height - 1)), 0), height - 1)
        rows[row][_column(lr, ends, width)] = "^" if loss > top else "*"
    labels = [f"{top:>9.4g}", *[" " * 9] * (height - 2), f"{lowest:>9.4g}"]
    lines = [f"{a} |{''.join(b).rstrip()}" for a, b in zip(labels, rows, strict=True)]
    return "\n".join([*lines, _axis(ramp.lrs, width)])


def table(finding: LrFinding) -> str:
    """The trials by their rate: what each gained, as a bar."""
    best = max((t.gain for t in finding.trials), default=0.0)
    lines = []
    for trial in sorted(finding.trials, key=lambda trial: trial.lr):
        if math.isfinite(trial.gain):
            bar = "#" * max(0, round(24 * trial.gain / best)) if best > 0 else ""
            told = f"{trial.gain:>+10.4g} +- {trial.error:<8.2g} {bar}".rstrip()
        else:
            told = "      left"
        lines.append(f"  {trial.lr:>8.3g} {told}")
    return "\n".join(["      rate  gain of the loss", *lines]) if lines else ""


def _top(smoothed: Sequence[float], level: float) -> float:
    lowest = min(smoothed)
    return min(max(smoothed), level + _SHOWN_ABOVE * max(level - lowest, 0.05 * abs(level)))


def _column(lr: float, ends: tuple[float, float], width: int) -> int:
    place = (math.log(lr) - ends[0]) / (ends[1] - ends[0])
    return min(max(round(place * (width - 1)), 0), width - 1)


def _mark(rows: list[list[str]], lr: float, ends: tuple[float, float]) -> None:
    column = _column(lr, ends, len(rows[0]))
    for row in rows:
        row[column] = "|"


def _axis(lrs: Sequence[float], width: int) -> str:
    first, last = f"{lrs[0]:.2g}", f"{lrs[-1]:.2g}"
    gap = max(1, width - len(first) - len(last))
    return f"{' ' * 10}+{'-' * width}\n{' ' * 11}{first}{' ' * gap}{last}  rate"
