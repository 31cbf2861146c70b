"""The picture as PNG, drawn by matplotlib: for papers, and pages that show no SVG."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lrwatch.errors import LrwatchError
from lrwatch.reviewing.report import words
from lrwatch.reviewing.report.axes import axis_of, may_be_log
from lrwatch.reviewing.report.curves import Curve, Curves, curves
from lrwatch.reviewing.report.story import Story
from lrwatch.reviewing.report.svg import ACTION_COLOR, COLORS, color_of
from lrwatch.sinks.printable import printable

_COLUMNS = 900
_MAX_MARKS = 60
_DPI = 160


def has_matplotlib() -> bool:
    """Whether a PNG can be drawn."""
    return find_spec("matplotlib") is not None


def check_matplotlib() -> None:
    """Say what to install where no PNG can be drawn.

    Raises:
        LrwatchError: If matplotlib is not installed.
    """
    if not has_matplotlib():
        raise LrwatchError(
            "a PNG needs matplotlib: pip install 'lrwatch[plot]'; .svg and .html do without"
        )


def as_png(story: Story, out: Path) -> None:
    """Draw the run with matplotlib.

    Raises:
        OSError: If the file cannot be written.
    """
    from matplotlib.figure import Figure

    found = curves(story, _COLUMNS)
    named = {"loss": found.loss, "gradient norm": found.grad_norm, "learning rate": found.lr}
    named = {name: drawn for name, drawn in named.items() if drawn}
    heights = [5 if name == "loss" else 2 for name in named] or [1]
    figure = Figure(figsize=(9, 1.4 + 0.55 * sum(heights)), layout="constrained", dpi=_DPI)
    charts = figure.subplots(
        len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    for (name, drawn), chart in zip(named.items(), charts, strict=False):
        _draw(chart, name, drawn, found)
        _mark(chart, story, found, is_first=chart is charts[0], is_last=chart is charts[-1])
    charts[-1].set_xlabel("step")
    charts[-1].set_xlim(found.first, found.last)
    title = f"{printable(story.name, limit=60)}: {words.headline(story)}"
    figure.suptitle(title, parse_math=False, fontsize=11)
    figure.savefig(out, format="png", metadata={"Software": "lrwatch"})


def _draw(chart: Any, name: str, drawn: tuple[Curve, ...], found: Curves) -> None:
    from matplotlib.lines import Line2D

    axis = axis_of(drawn, may_be_log=may_be_log(name, drawn))
    if name == "loss" and found.band is not None:
        band = found.band
        chart.fill_between(band.steps, band.low, band.high, color="#9ccbe8", alpha=0.5, linewidth=0)
    for curve in drawn:
        color = color_of(curve)
        chart.fill_between(curve.steps, curve.low, curve.high, color=color, alpha=0.28, linewidth=0)
        chart.plot(curve.steps, curve.middle, color=color, linewidth=0.9)
    if any(curve.is_applied for curve in drawn):
        lines = [Line2D([], [], color=color) for color in (color_of(drawn[0]), ACTION_COLOR)]
        chart.legend(lines, ("scheduled", "applied"), loc="best", fontsize=8, frameon=False)
    chart.set_yscale("log" if axis.is_log else "linear")
    chart.set_ylim(axis.low, axis.high)
    chart.set_ylabel(name)
    chart.grid(color="#e6e6e6", linewidth=0.6)
    chart.spines[["top", "right"]].set_visible(False)


def _mark(chart: Any, story: Story, found: Curves, *, is_first: bool, is_last: bool) -> None:
    top = chart.get_xaxis_transform()
    for episode in story.episodes[:_MAX_MARKS]:
        color = COLORS[episode.worst.severity]
        end = found.last if episode.end is None else episode.end
        chart.axvspan(episode.onset, max(end, episode.onset + 1), color=color, alpha=0.05, lw=0)
        chart.axvline(episode.step, color=color, linewidth=0.9, linestyle=(0, (4, 3)))
    for place, episode in _apart(story, found) if is_first else ():
        box = {"boxstyle": "circle,pad=0.25", "color": COLORS[episode.worst.severity]}
        chart.text(
            place, 1.04, str(episode.number), transform=top, color="white", fontsize=8,
            fontweight="bold", ha="center", va="bottom", bbox=box,
        )  # fmt: skip
    if is_first and len(found.bad):
        chart.plot(
            found.bad, [0.985] * len(found.bad), "|", color=COLORS["critical"], transform=top
        )
    marks = [d for d in story.deeds if d.action.kind not in ("outcome", "disarm")][:_MAX_MARKS]
    if is_last:
        for deed in marks:
            chart.plot(
                deed.action.step, 0.05, "^", transform=top, markersize=5, clip_on=False,
                markerfacecolor=ACTION_COLOR if deed.helped else "white",
                markeredgecolor=ACTION_COLOR,
            )  # fmt: skip


def _apart(story: Story, found: Curves) -> list[tuple[float, Any]]:
    """The numbers of the troubles, moved aside where they would touch."""
    width, last, places = 0.026 * (found.last - found.first), float("-inf"), []
    for episode in sorted(story.episodes[:_MAX_MARKS], key=lambda episode: episode.step):
        last = max(float(episode.step), last + width)
        places.append((last, episode))
    return places
