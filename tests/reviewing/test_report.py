"""A report says what happened in words and one picture, and no text of a run becomes markup."""

import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from matplotlib.figure import Figure

from lrwatch.cli import main
from lrwatch.readers.source import open_log
from lrwatch.records import Action, ActionKind, Alert, Point, Step
from lrwatch.reviewing.report.axes import Axis, axis_of
from lrwatch.reviewing.report.curves import curves
from lrwatch.reviewing.report.deeds import Deed, deeds
from lrwatch.reviewing.report.episodes import episodes
from lrwatch.reviewing.report.page import as_html, as_markdown
from lrwatch.reviewing.report.story import Story, tell
from lrwatch.reviewing.report.svg import svg
from lrwatch.reviewing.report.words import headline, lead
from lrwatch.reviewing.report.writing import write_report
from lrwatch.sinks.run_directory import RunDirectory

EVIL = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J|[a](http://x)`"
WORST = Alert(
    kind="divergence", severity="critical", step=300, onset=250, message="up", trouble=1,
    advice="lower it", verdict="too_high",
)  # fmt: skip
STEPS = [Step(step=i, loss=1 / (1 + i), grad_norm=0.5, lr=0.1) for i in range(100)]
KINDS_DONE: list[tuple[ActionKind, int]] = [("skip", 1), ("backoff", 2), ("stop", 9)]


def lrwatch(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def log(path: Path, losses: list[float]) -> Path:
    path.write_text("step,loss\n" + "".join(f"{i},{x}\n" for i, x in enumerate(losses)))
    return path


def story_of(path: Path, name: str = "run") -> Story:
    return tell(open_log(path), {}, name=name)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    losses = [2.0 ** -(i // 50) if i < 300 else 2.0 ** ((i - 300) // 10) for i in range(500)]
    return log(tmp_path / "run.csv", [*losses, math.nan, 1e12])


@pytest.fixture
def attached(tmp_path: Path) -> Path:
    directory = RunDirectory(tmp_path / "run")
    for step in STEPS:
        directory.write_point(Point(step=step))
    directory.write_alert(replace(WORST, step=90, onset=80))
    backoff = Action(kind="backoff", step=90, reason="divergence", lr_before=0.1, lr_after=0.05)
    directory.write_action(backoff)
    directory.write_action(Action(kind="outcome", step=95, reason="came back", helped=True))
    directory.close()
    return tmp_path / "run"


class Tags(HTMLParser):
    """All tags of a page, and all attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_the_words_say_how_the_run_went_and_what_was_worst(broken: Path) -> None:
    text = " ".join(lead(story_of(broken)))
    assert text.startswith("502 steps were logged, up to step 501. The loss went from 1 to ")
    assert ", medians of the first and last 2%; " in text
    assert "its lowest value was 0.0312 at step 250; one loss was NaN or infinite" in text
    assert "The worst: lr_too_high from step 0" in text
    assert "To try: " in text


def test_a_run_without_trouble_says_so(tmp_path: Path) -> None:
    story = story_of(log(tmp_path / "run.csv", [1.0, 0.5]))
    assert "lrwatch found no trouble." in lead(story)
    assert "What happened" not in as_html(story)


def test_a_page_holds_words_picture_and_table_and_loads_nothing(broken: Path) -> None:
    page = as_html(story_of(broken))
    assert "The learning rate was too high" in page
    assert page.count("<svg") == 1
    assert "non_finite" in page
    assert not Tags(page).attributes & {"src", "href", "onload", "onerror"}
    assert "default-src 'none'" in page


def test_actions_are_told_with_what_came_of_them(attached: Path) -> None:
    story = story_of(attached)
    page, text = as_html(story), as_markdown(story, "run.svg")
    assert "It acted: backoff once." in page
    row = "| 90 | backoff | divergence; rate 0.1 to 0.05 | helped: came back; told at step 95 |"
    assert row in text
    assert "| 1 | 80 to the end | divergence, critical | up. To try: lower it |" in text


def test_an_outcome_tells_of_all_that_was_done_since_the_last_one() -> None:
    skip, backoff, stop = (Action(kind=kind, step=step, reason="r") for kind, step in KINDS_DONE)
    failed = Action(kind="outcome", step=5, reason="no", helped=False)
    helped = Action(kind="outcome", step=7, reason="yes", helped=True)
    found = deeds([skip, backoff, failed, helped, stop])
    assert [(deed.action, deed.helped) for deed in found] == [
        (skip, False), (backoff, False), (helped, True), (stop, None),
    ]  # fmt: skip


@pytest.fixture
def scaled(tmp_path: Path) -> Path:
    """A run whose rate was a twentieth of the schedule's from step 50 on."""
    directory = RunDirectory(tmp_path / "scaled")
    for step in STEPS:
        scale = 1.0 if step.step < 50 else 0.05
        seen = replace(step, time=1e9 + step.step)
        directory.write_point(Point(step=seen, lo=0.25, hi=0.75, lr_scale=scale))
    directory.write_action(Action(kind="backoff", step=50, reason="divergence", scale=0.05))
    directory.write_action(Action(kind="outcome", step=60, reason="no", helped=False))
    directory.write_verdict("healthy", closed=True)
    directory.close()
    return tmp_path / "scaled"


def test_the_rate_as_applied_is_drawn_where_it_is_not_the_schedules(
    scaled: Path, attached: Path
) -> None:
    assert not any(curve.is_applied for curve in curves(story_of(attached), 900).lr)
    scheduled, applied = curves(story_of(scaled), 900).lr
    assert applied.is_applied
    assert scheduled.middle == pytest.approx(0.1)
    at = dict(zip(applied.steps.tolist(), applied.middle.tolist(), strict=True))
    assert at[0] == pytest.approx(0.1)
    assert at[99] == pytest.approx(0.005)
    picture = svg(story_of(scaled))
    assert ">scheduled</text>" in picture
    assert ">applied</text>" in picture
    assert ">scheduled</text>" not in svg(story_of(attached))


def test_the_png_shows_the_rate_as_applied_and_a_wedge_for_what_was_done(
    scaled: Path, attached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Figure] = []
    save = Figure.savefig

    def saved(figure: Figure, *args: Any, **kwargs: Any) -> None:
        made.append(figure)
        save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", saved)
    for run in (scaled, attached):
        assert lrwatch(run, "-o", tmp_path / "out.png").exit_code == 0
    legends = [[found for c in f.axes if (found := c.get_legend())] for f in made]
    words = [[text.get_text() for legend in some for text in legend.texts] for some in legends]
    assert words == [["scheduled", "applied"], []]
    wedges = [[x for c in f.axes for x in c.lines if x.get_marker() == "^"] for f in made]
    assert [[np.asarray(x.get_xdata()).tolist() for x in some] for some in wedges] == [
        [[50]],
        [[90]],
    ]
    assert [[x.get_markerfacecolor() for x in some] for some in wedges] == [["white"], ["#7b4ab5"]]


def test_a_wedge_is_filled_where_the_action_helped(scaled: Path, attached: Path) -> None:
    def wedge(run: Path) -> str:
        return svg(story_of(run)).partition('l-5 9h10z" fill="')[2][:7]

    assert wedge(attached) == "#7b4ab5"
    assert wedge(scaled).startswith("#fff")


def test_a_run_that_is_healthy_at_a_lowered_rate_is_not_said_to_have_had_the_right_one(
    scaled: Path,
) -> None:
    words = "nothing says that the rate was wrong once it was 0.05 of the schedule's"
    assert headline(story_of(scaled)) == words


def test_the_band_of_a_watched_run_is_the_one_that_was_drawn(scaled: Path) -> None:
    band = curves(story_of(scaled), 900).band
    assert band is not None
    assert set(band.low) == {0.25}
    assert set(band.high) == {0.75}


def test_no_text_of_a_run_becomes_markup(attached: Path) -> None:
    story = story_of(attached, name=EVIL)
    alert = replace(WORST, message=EVIL, advice=EVIL, kind=EVIL)  # type: ignore[arg-type]
    action = Action(kind="backoff", step=5, reason=EVIL)
    story = replace(
        story,
        episodes=tuple(episodes([alert])),
        deeds=(Deed(action=action, outcome=action),),
        notes=(EVIL,),
        format=EVIL,
    )
    tags = Tags(as_html(story))
    assert not tags.tags & {"script", "img"}
    assert not {name for name in tags.attributes if name.startswith("on")}
    text = as_markdown(story, "p q.svg")
    assert text.isprintable() or text.replace("\n", "").isprintable()
    assert "<" not in text
    assert "](http" not in text
    assert "](p%20q.svg)" in text
    assert {len(row.split("|")) for row in text.splitlines() if row.startswith("| 1")} == {6}


@pytest.mark.parametrize(
    "losses",
    [
        [],
        [1.0],
        [math.nan] * 5,
        [-1.0, 1e300, -1e300, math.inf, 0.0],
        [5.0] * 50,
        [1e-320, 1e308],
        [0.0] * 3,
    ],
)
def test_any_numbers_can_be_drawn(tmp_path: Path, losses: list[float]) -> None:
    path = tmp_path / "log.csv"
    log(path, losses or [1.0])
    story = story_of(path)
    if not losses:
        story = replace(story, track=type(story.track)(), band=type(story.band)())
    picture = svg(story)
    ET.fromstring(picture)
    assert "nan" not in picture
    assert "inf" not in picture.replace("info", "")
    write_report(story, tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_a_million_steps_is_small_and_keeps_the_extremes(tmp_path: Path) -> None:
    story = story_of(log(tmp_path / "run.csv", [1.0]))
    for i in range(1, 200_000):
        story.track.step.append(i)
        story.track.loss.append(50.0 if i == 123_456 else 1.0 + (i % 7))
        story.track.grad_norm.append(math.nan)
        story.track.lr.append(0.1)
        story.track.time.append(math.nan)
        story.band.low.append(0.0)
        story.band.high.append(9.0)
    (curve,) = curves(story, 500).loss
    assert len(curve.steps) == 500
    assert (curve.low.min(), curve.high.max()) == (1.0, 50.0)
    assert len(svg(story)) < 150_000


def test_what_was_written_anew_is_drawn_apart(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text("step,loss\n" + "".join(f"{i},1\n" for i in (0, 1, 2, 3, 2, 3, 4)))
    found = curves(story_of(path), 100)
    assert [(len(curve.steps), curve.is_past) for curve in found.loss] == [(4, True), (3, False)]
    assert "went back to an earlier step once" in lead(story_of(path))[0]


def test_words_leave_out_losses_that_were_written_anew(tmp_path: Path) -> None:
    rows = [(i, 9.0 if i < 8 else math.nan) for i in range(10)] + [(i, 1.0) for i in range(10)]
    path = tmp_path / "run.csv"
    path.write_text("step,loss\n" + "".join(f"{i},{loss}\n" for i, loss in rows))
    words = " ".join(lead(story_of(path)))
    assert ("from 9 to 1" in words, "lowest value was 1" in words) == (False, True)
    assert "NaN" not in words


def test_alerts_about_one_trouble_are_one_episode() -> None:
    first = replace(WORST, severity="warning", step=260)
    closed = replace(WORST, state="closed", severity="info", step=400)
    again = replace(WORST, step=600, onset=590, trouble=2)
    found = [
        (e.onset, e.step, e.end, e.worst.severity) for e in episodes([first, WORST, closed, again])
    ]
    assert found == [(250, 260, 400, "critical"), (590, 600, None, "critical")]


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis(0, 10), [0, 2, 4, 6, 8, 10]),
        (Axis(-1, 1), [-1, -0.5, 0, 0.5, 1]),
        (Axis(0.02, 300, is_log=True), [0.1, 1, 10, 100]),
        (Axis(1, 1e12, is_log=True), [1, 1e3, 1e6, 1e9, 1e12]),
    ],
)
def test_ticks_are_round_numbers(axis: Axis, ticks: list[float]) -> None:
    assert axis.ticks(5) == pytest.approx(ticks)


def test_one_far_value_does_not_flatten_the_rest(tmp_path: Path) -> None:
    losses = [math.sin(i) for i in range(500)]
    losses[250] = 1e6
    axis = axis_of(curves(story_of(log(tmp_path / "run.csv", losses)), 400).loss)
    assert axis.high < 20
    assert axis.share(1e6) == 1.0


@pytest.mark.parametrize("suffix", [".html", ".md", ".png", ".svg"])
def test_the_command_writes_the_kind_that_the_name_says(
    broken: Path, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"report{suffix}"
    done = lrwatch(broken, "-o", out)
    wanted = [out, out.with_suffix(".png")] if suffix == ".md" else [out]
    assert (done.exit_code, done.stdout.split()) == (0, list(map(str, wanted)))
    assert all(path.stat().st_size > 1000 for path in wanted)


def test_another_name_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    done = lrwatch(tmp_path / "none", "-o", tmp_path / "report.pdf")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "expected a name that ends in .html, .md, .png, .svg" in done.stderr


def test_a_run_that_cannot_be_read_is_code_3(tmp_path: Path) -> None:
    assert lrwatch(tmp_path / "none", "-o", tmp_path / "report.html").exit_code == 3
    assert not (tmp_path / "report.html").exists()


def test_without_matplotlib_markdown_has_an_svg_and_png_says_what_to_install(
    broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.reviewing.report.picture.find_spec", lambda name: None)
    done = lrwatch(broken, "-o", tmp_path / "report.md")
    assert done.stdout.split() == [str(tmp_path / "report.md"), str(tmp_path / "report.svg")]
    assert "](report.svg)" in (tmp_path / "report.md").read_text()
    refused = lrwatch(broken, "-o", tmp_path / "report.png")
    assert refused.exit_code == 1
    assert "pip install 'lrwatch[plot]'" in refused.stderr
