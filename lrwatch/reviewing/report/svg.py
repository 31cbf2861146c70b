"""The picture as SVG: loss in its band, norm and rate on one axis of steps, and what happened."""

import html
from collections.abc import Iterator, Sequence

from lrwatch.records import Severity
from lrwatch.reviewing.report.axes import Axis, axis_of, may_be_log
from lrwatch.reviewing.report.curves import Curve, Curves, Floats, curves
from lrwatch.reviewing.report.episodes import Episode
from lrwatch.reviewing.report.story import Story
from lrwatch.reviewing.report.words import outcome
from lrwatch.sinks.printable import printable

WIDTH = 960
COLORS: dict[Severity, str] = {"info": "#3b7dbd", "warning": "#d08700", "critical": "#c22f2f"}
ACTION_COLOR = "#7b4ab5"
_LEFT, _RIGHT, _TOP, _GAP, _BOTTOM = 78, 16, 34, 14, 44
_HEIGHTS = {"loss": 250, "gradient norm": 110, "learning rate": 110}
_INNER = WIDTH - _LEFT - _RIGHT
_MAX_MARKS = 60
_STYLE = (
    "text{font:12px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#444}"
    ".grid{stroke:#e6e6e6}.axis{stroke:#999}.label{fill:#222;font-weight:600}"
    ".scale{fill:#888;font-size:11px}"
    ".mark{font-weight:700;fill:#fff}"
)


class _Panel:
    """One quantity: where it lies in the picture, and its scale."""

    def __init__(self, name: str, drawn: Sequence[Curve], axis: Axis, top: int) -> None:
        self.name, self.drawn, self.axis, self.top = name, drawn, axis, top
        self.height = _HEIGHTS[name]

    @property
    def bottom(self) -> int:
        return self.top + self.height

    def y(self, value: float) -> float:
        return self.bottom - self.height * self.axis.share(value)


def svg(story: Story) -> str:
    """The picture of a run; safe to put into a page, whatever its names hold."""
    found = curves(story, _INNER)
    panels = _panels(found)
    height = panels[-1].bottom + _BOTTOM if panels else 80
    steps = Axis(found.first, found.last)
    parts = [*_frame(panels, steps), *_marks(story, panels, steps), *_lines(found, panels, steps)]
    parts += [*_actions(story, panels, steps), *_numbers(story.episodes, steps)]
    if not panels:
        parts = [_text(WIDTH / 2, 40, "nothing was logged that could be drawn", anchor="middle")]
    title = html.escape(printable(story.name, limit=200))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img"><title>{title}</title>'
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
        + "".join(parts)
        + "</svg>"
    )


def _panels(found: Curves) -> list[_Panel]:
    named = {"loss": found.loss, "gradient norm": found.grad_norm, "learning rate": found.lr}
    panels, top = list[_Panel](), _TOP
    for name, drawn in named.items():
        if drawn:
            axis = axis_of(drawn, may_be_log=may_be_log(name, drawn))
            panels.append(_Panel(name, drawn, axis, top))
            top = panels[-1].bottom + _GAP
    return panels


def _frame(panels: Sequence[_Panel], steps: Axis) -> Iterator[str]:
    for panel in panels:
        for tick in panel.axis.ticks(max(2, panel.height // 45)):
            y = panel.y(tick)
            yield _line(_LEFT, y, WIDTH - _RIGHT, y, "grid")
            yield _text(_LEFT - 6, y + 4, _short(tick), anchor="end")
        yield _line(_LEFT, panel.bottom, WIDTH - _RIGHT, panel.bottom, "axis")
        if panel.axis.is_log:
            yield _text(_LEFT + 6, panel.top + 13, "log", anchor="start", kind="scale")
        middle = panel.top + panel.height / 2
        yield (
            f'<text class="label" text-anchor="middle" '
            f'transform="translate(16 {middle:.0f}) rotate(-90)">{panel.name}</text>'
        )
    if panels:
        bottom = panels[-1].bottom
        for tick in [tick for tick in steps.ticks(8) if tick.is_integer()]:
            yield _line(_x(tick, steps), bottom, _x(tick, steps), bottom + 5, "axis")
            yield _text(_x(tick, steps), bottom + 19, f"{tick:,.0f}", anchor="middle")
        yield _text(_LEFT + _INNER / 2, bottom + 38, "step", anchor="middle", kind="label")


def _marks(story: Story, panels: Sequence[_Panel], steps: Axis) -> Iterator[str]:
    """Each trouble, shaded from its onset to its end."""
    for episode in story.episodes[:_MAX_MARKS] if panels else ():
        color = COLORS[episode.worst.severity]
        end = steps.high if episode.end is None else episode.end
        a, b = _x(episode.onset, steps), _x(end, steps)
        told, top, bottom = _x(episode.step, steps), panels[0].top, panels[-1].bottom
        yield (
            f'<rect x="{a:.1f}" y="{top}" width="{max(b - a, 1.5):.1f}" height="{bottom - top}" '
            f'fill="{color}" opacity="0.05"/>'
        )
        yield (
            f'<line x1="{told:.1f}" y1="{top}" x2="{told:.1f}" y2="{bottom}" '
            f'stroke="{color}" stroke-dasharray="4 3" opacity="0.8"/>'
        )


def _lines(found: Curves, panels: Sequence[_Panel], steps: Axis) -> Iterator[str]:
    for panel in panels:
        if panel.name == "loss" and found.band is not None:
            yield _area(found.band, panel, steps, fill="#9ccbe8", opacity=0.45)
        for curve in panel.drawn:
            color = color_of(curve)
            if (curve.high > curve.low).any():
                yield _area(curve, panel, steps, fill=color, opacity=0.28)
            points = _points(curve.steps, curve.middle, panel, steps)
            yield f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.2"/>'
        if any(curve.is_applied for curve in panel.drawn):
            yield from _key(panel)
    if panels and panels[0].name == "loss":
        y = panels[0].top + 1
        for step in found.bad.tolist():
            x = _x(step, steps)
            yield f'<path d="M{x:.1f} {y}v7" stroke="{COLORS["critical"]}" stroke-width="1.5"/>'


def _area(curve: Curve, panel: _Panel, steps: Axis, *, fill: str, opacity: float) -> str:
    above = _points(curve.steps, curve.high, panel, steps)
    below = _points(curve.steps[::-1], curve.low[::-1], panel, steps)
    return f'<polygon points="{above} {below}" fill="{fill}" opacity="{opacity}"/>'


def _points(xs: Floats, ys: Floats, panel: _Panel, steps: Axis) -> str:
    pairs = zip(xs, ys, strict=True)
    return " ".join(f"{_x(x, steps):.1f},{panel.y(float(y)):.1f}" for x, y in pairs)


def _actions(story: Story, panels: Sequence[_Panel], steps: Axis) -> Iterator[str]:
    """A wedge on the lowest panel for each action, filled where it helped."""
    done = [deed for deed in story.deeds if deed.action.kind not in ("outcome", "disarm")]
    for deed in done[:_MAX_MARKS] if panels else ():
        x, y = _x(deed.action.step, steps), panels[-1].bottom
        fill = ACTION_COLOR if deed.helped else "#fff"
        words = f"{deed.action.kind} at step {deed.action.step:,}: {outcome(deed)}"
        yield (
            f'<path d="M{x:.1f} {y - 10}l-5 9h10z" fill="{fill}" stroke="{ACTION_COLOR}">'
            f"<title>{html.escape(printable(words, limit=300))}</title></path>"
        )


def _key(panel: _Panel) -> Iterator[str]:
    """Which line is which, where the rate that was applied is not the schedule's."""
    x, y = WIDTH - _RIGHT - 130, panel.top + 14
    for name, color in (("scheduled", color_of(panel.drawn[0])), ("applied", ACTION_COLOR)):
        yield (
            f'<line x1="{x}" y1="{y - 4}" x2="{x + 18}" y2="{y - 4}" stroke="{color}" '
            f'stroke-width="2"/>'
        )
        yield _text(x + 23, y, name, anchor="start")
        y += 16


def _numbers(episodes: Sequence[Episode], steps: Axis) -> Iterator[str]:
    """The numbers of the troubles in a row on top, moved aside where they would touch."""
    last = -1e9
    for episode in sorted(episodes[:_MAX_MARKS], key=lambda episode: episode.step):
        x = max(_x(episode.step, steps), last + 19)
        last = x
        color = COLORS[episode.worst.severity]
        yield f'<circle cx="{x:.1f}" cy="18" r="9" fill="{color}"/>'
        yield _text(x, 22, str(episode.number), anchor="middle", kind="mark")


def _x(step: float, steps: Axis) -> float:
    return _LEFT + _INNER * steps.share(float(step))


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def color_of(curve: Curve) -> str:
    """The colour of a line."""
    if curve.is_applied:
        return ACTION_COLOR
    return "#b5b5b5" if curve.is_past else "#333333"


def _text(x: float, y: float, words: str, *, anchor: str, kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f'<text{attribute} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def _short(x: float) -> str:
    return f"{x:.4g}".replace("e-0", "e-").replace("e+0", "e")
