"""The picture of a run: what was measured, and where the alerts are."""

import io
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from lrwatch.errors import LrwatchError
from lrwatch.records import Alert
from lrwatch.sinks.printable import printable

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from lrwatch.reviewing.drawn import Curves

_COLORS = {"info": "tab:blue", "warning": "tab:orange", "critical": "tab:red"}
_LABELS = {"loss": "loss", "grad_norm": "gradient norm", "lr": "learning rate"}
_MAX_MARKS = 200
_LOG_FROM = 10.0


def plot(
    frame: "pandas.DataFrame",
    alerts: Sequence[Alert],
    *,
    title: str,
    drawn: "Curves | None" = None,
) -> "Figure":
    """One chart for each quantity that was logged, on a shared axis of steps.

    Args:
        frame: The Steps, one a row.
        alerts: What is marked.
        title: What stands above.
        drawn: What lrwatch drew while it watched: has the rate as the back-off applied it.

    Raises:
        LrwatchError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        words = "a picture needs matplotlib: pip install 'lrwatch[plot]'"
        raise LrwatchError(words) from error
    names = [name for name in _LABELS if name == "loss" or frame[name].notna().any()]
    figure = Figure(figsize=(9, 1 + 2 * len(names)), layout="constrained")
    charts = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for name, chart in zip(names, charts, strict=True):
        _draw(chart, frame, name)
        _mark(chart, alerts)
        if name == "lr" and drawn is not None and drawn.is_scaled:
            chart.lines[0].set_label("scheduled")
            applied = drawn.columns["applied"]
            chart.plot(drawn.step, applied, color="tab:purple", linewidth=1, label="applied")
            chart.legend(loc="best", fontsize="small")
    charts[-1].set_xlabel("step")
    figure.suptitle(printable(title, limit=100), parse_math=False)
    figure._repr_png_ = partial(_png, figure)  # type: ignore[attr-defined]
    return figure


def _png(figure: "Figure") -> bytes:
    """As a notebook shows it that has not imported pyplot."""
    held = io.BytesIO()
    figure.savefig(held, format="png")
    return held.getvalue()


def _draw(chart: Any, frame: "pandas.DataFrame", name: str) -> None:
    known = frame[frame[name].notna()]
    for _, part in known.groupby("segment"):
        chart.plot(part["step"], part[name], color="tab:gray", linewidth=0.8)
    low, high = known[name].min(), known[name].max()
    if name != "lr" and low > 0 and high > _LOG_FROM * low:
        chart.set_yscale("log")
    chart.set_ylabel(_LABELS[name])


def _mark(chart: Any, alerts: Sequence[Alert]) -> None:
    """From the onset to the alert; each kind is named once."""
    named = set()
    for alert in [alert for alert in alerts if alert.state != "closed"][:_MAX_MARKS]:
        color = _COLORS[alert.severity]
        label = None if alert.kind in named else alert.kind
        named.add(alert.kind)
        chart.axvspan(alert.onset, max(alert.step, alert.onset + 1), color=color, alpha=0.2)
        chart.axvline(alert.step, color=color, linewidth=1, label=label)
    if named:
        chart.legend(loc="upper right", fontsize="small")
