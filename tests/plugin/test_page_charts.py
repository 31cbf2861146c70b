"""The curves of a run, and what was found in it, in a real browser."""

import json

import pytest

from tests.plugin import logs
from tests.plugin.board import TensorBoard
from tests.plugin.chromium import CTRL, SHIFT, Chromium
from tests.plugin.conftest import N_LONG
from tests.plugin.person import (
    box,
    center,
    choose,
    click,
    each,
    in_view,
    one,
    over,
    text,
    wait_for,
)

MARKS = ".mark:not([hidden])"
READOUT = f"{one('.readout')}.textContent"
IN_FRAME = "document.querySelector('iframe').contentDocument"


def open_watched(page: Chromium) -> None:
    choose(page, "watched")
    wait_for(page, 4, MARKS)


def test_loss_norm_and_rates_are_drawn_with_band_and_marks(page: Chromium) -> None:
    open_watched(page)
    titles = each(page, ".chart:not([hidden]) h3")
    assert titles == ["Loss", "Gradient norm", "Learning rate"]
    assert each(page, ".legend", "innerText") == ["expected", "", "as scheduled\nas applied"]
    tones = [name.removeprefix("mark t-") for name in each(page, MARKS, "className")]
    assert tones == ["critical", "action", "warning", "over"]
    assert each(page, MARKS) == ["!", "↓", "!", "✓"]


def test_a_watched_run_says_what_its_verdict_rests_on(page: Chromium) -> None:
    open_watched(page)
    facts = "120 steps judged · 120 points drawn, 0 to 119 · watched by lrwatch as it ran, closed"
    assert text(page, ".facts-line") == facts


def test_what_came_of_an_action_is_said_and_marked(page: Chromium) -> None:
    open_watched(page)
    outcomes = [{"kind": "outcome", "type": "action", "helped": x} for x in (True, False, None)]
    script = f"""import('./words.js').then((words) => {json.dumps(outcomes)}.map(
        (record) => [words.glyph(record), words.recordTitle(record)].join(' ')))"""
    said = ["✓ that helped", "✗ that did not help", "? what came of it"]
    assert page.run(script) == said


def test_the_steps_around_it_show_the_rate_as_applied_where_it_was_scaled(page: Chromium) -> None:
    open_watched(page)
    click(page, one(".mark.t-action"))
    page.until(f"!!{one('.inspector .uplot')}")
    rates = each(page, ".steps tbody tr", "cells[4].textContent")
    assert (rates[0], rates[-1]) == ("0.1", "0.1 → 0.05")


def test_a_mark_stands_at_the_loss_of_its_step(page: Chromium) -> None:
    open_watched(page)
    x, y = center(page, one(".mark.t-critical"))
    page.hover(x, y + 14)
    readout = page.until(READOUT)
    assert readout == "step 60  ·  loss 6  ·  expected 5 to 7"
    left, top, width, height = box(page, one(".u-over"))
    assert x == pytest.approx(left + width * 60 / 119, abs=1.5)
    assert top < y < top + height


def test_a_click_on_a_mark_shows_words_evidence_and_every_step_around(page: Chromium) -> None:
    open_watched(page)
    click(page, one(".mark.t-critical"))
    page.until(f"!!{one('.inspector .uplot')}")
    words = text(page, ".inspector")
    for wanted in (logs.HIGH.message, logs.HIGH.advice, "step 60", "step 50", "3.25", "0.125"):
        assert wanted in words
    assert each(page, ".steps tr.at", "cells[0].textContent") == ["60"]
    steps = each(page, ".steps tbody tr", "cells[0].textContent")
    assert [int(step) for step in steps] == list(range(20, 101))


def test_the_keys_walk_through_alerts_zoom_and_close(page: Chromium) -> None:
    open_watched(page)
    page.press("n")
    assert "1 of 4" in text(page, ".inspector")
    page.press("n")
    assert logs.BACKOFF.reason in text(page, ".inspector")
    page.press("p")
    assert logs.HIGH.message in text(page, ".inspector")
    page.press("+")
    start, end = in_view(page)
    assert 0 < start < 60 < end < 119
    page.press("ArrowRight")
    assert in_view(page)[0] == pytest.approx(start + 0.25 * (end - start), abs=1)
    page.press("0")
    assert in_view(page) == (0, 119)
    page.press("Escape")
    assert page.run(f"{one('.inspector')}.hidden")


def test_dragging_zooms_shift_moves_and_a_double_click_shows_all(page: Chromium) -> None:
    choose(page, "long")
    page.drag(over(page, 0.25), over(page, 0.5))
    start, end = in_view(page)
    assert start == pytest.approx(0.25 * N_LONG, rel=0.02)
    assert end == pytest.approx(0.5 * N_LONG, rel=0.02)
    page.drag(over(page, 0.5), over(page, 0.3), keys=SHIFT)
    moved = in_view(page)
    assert moved[0] == pytest.approx(start + 0.2 * (end - start), rel=0.02)
    page.wheel(*over(page, 0.5), -100, keys=CTRL)
    narrower = in_view(page)
    assert narrower[1] - narrower[0] < moved[1] - moved[0]
    page.click(*over(page, 0.5), times=1)
    page.click(*over(page, 0.5), times=2)
    assert in_view(page) == (0, N_LONG - 1)


def test_one_high_loss_among_many_is_seen_and_one_that_is_nan_is_told(page: Chromium) -> None:
    choose(page, "long")
    assert "not finite" in text(page, ".legend")
    left, top, width, _ = box(page, one(".u-over"))
    page.hover(left + width / 3, top + 20)
    assert "step 10,000  ·  loss 77" in page.until(READOUT)


def test_in_a_narrow_window_runs_and_run_take_turns(page: Chromium) -> None:
    page.resize(600, 900)
    page.run(f"{one('.back')}.click()")
    assert page.run(f"getComputedStyle({one('.detail')}).display") == "none"
    choose(page, "watched")
    assert page.run(f"getComputedStyle({one('.runs')}).display") == "none"
    assert page.run("document.documentElement.scrollWidth") <= 600


def test_the_tab_is_dark_when_tensorboard_is(browser: Chromium, board: TensorBoard) -> None:
    browser.go(f"{board.url}/#lrwatch")
    browser.until(f"{IN_FRAME}.querySelectorAll('.run').length > 0")
    assert any("LR Watch" in name for name in each(browser, "[role=tab]"))
    dark = f"{IN_FRAME}.documentElement.classList.contains('dark')"
    browser.run("document.body.classList.add('dark-mode')")
    browser.until(dark)
    browser.run("document.body.classList.remove('dark-mode')")
    browser.until(f"!{dark}")


def test_the_reload_button_of_tensorboard_asks_anew(browser: Chromium, board: TensorBoard) -> None:
    browser.go(f"{board.url}/#lrwatch")
    browser.until(f"{IN_FRAME}.querySelectorAll('.run').length > 0")
    told = "window.told = 0; const post = MessagePort.prototype.postMessage;"
    told += "MessagePort.prototype.postMessage = function (m) {"
    told += "if (String(m).includes('DataReloaded')) window.told += 1; post.call(this, m) }"
    browser.run(f"(() => {{ {told} }})()")
    browser.until(f"!!{one('.reload-button')}")
    asked_by_itself_no_more(browser)
    click(browser, one(".reload-button"))
    browser.until("window.told > 0")
    browser.until_asked("/lrwatch/runs")


def asked_by_itself_no_more(browser: Chromium) -> None:
    """Let the timer of the page run out, and not be set again; what it asked then is answered."""
    frame = f"{IN_FRAME}.defaultView"
    browser.run(f"{frame}.setTimeout = () => 0")
    browser.requests.clear()
    url = browser.until_asked("/lrwatch/runs")
    browser.until(f"{frame}.performance.getEntriesByName({json.dumps(url)}).length")
    browser.requests.clear()


@pytest.mark.parametrize(
    ("is_log", "low", "high", "wanted"),
    [
        ("true", 0.5, 9e32, ["1e0", "1e4", "1e8", "1e12", "1e16", "1e20", "1e24", "1e28", "1e32"]),
        ("false", 0.5, 9e32, ["0", "2e32", "4e32", "6e32", "8e32"]),
        ("true", 0.02, 50.0, ["0.1", "1", "10"]),
        ("true", 2.2, 3.1, ["2", "2.5", "3", "3.5"]),
    ],
)
def test_an_axis_of_any_range_has_numbers(
    page: Chromium, is_log: str, low: float, high: float, wanted: list[str]
) -> None:
    script = f"""import('./plots.js').then(async ({{ plot }}) => {{
        const u = plot(document.createElement('div'), [[0, 1], [{low}, {high}]], {{
            width: 400, height: 250, isLog: {is_log}, range: () => [0, 1], series: [{{}}] }});
        await new Promise((done) => setTimeout(done, 30));
        return u.axes[1]._values.filter((words) => words !== '') }})"""
    assert page.run(script) == wanted
