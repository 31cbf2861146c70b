"""The table of runs in a real browser."""

import json
from pathlib import Path

import pytest

from tests.plugin import logs
from tests.plugin.board import TensorBoard
from tests.plugin.chromium import Chromium
from tests.plugin.conftest import PAGE
from tests.plugin.person import box, choose, click, each, in_view, one, row, text, wait_for


def test_every_run_has_its_verdict_and_the_worst_come_first(page: Chromium) -> None:
    names, verdicts = each(page, ".run .name"), each(page, ".run .verdict")
    shown = dict(zip(names, verdicts, strict=True))
    assert shown["watched"] == "too high"
    assert shown["plain/healthy"] == "healthy"
    assert shown["plain/diverging"] == "too high"
    assert shown["plain/ends in nan"] == "trouble"
    assert shown["broken"] == "unreadable"
    assert verdicts[0] == "too high"
    assert names[-1] == "broken"


def test_the_worst_run_is_opened_once_all_are_judged(browser: Chromium, tmp_path: Path) -> None:
    page = browser
    logs.plain(tmp_path / "a", logs.falling(20_000))
    logs.plain(tmp_path / "b", logs.diverging(2000))
    board = TensorBoard(tmp_path)
    patient = page.call("Page.addScriptToEvaluateOnNewDocument", source="performance.now = () => 0")
    try:
        page.go(board.url + PAGE)
        page.until(f"{one('h2')}.textContent")
        assert each(page, ".run .name") == ["b", "a"]
        assert text(page, "h2") == "b"
    finally:
        page.call("Page.removeScriptToEvaluateOnNewDocument", **patient)
        page.leave()
        board.stop()


def test_a_click_on_a_heading_sorts_and_another_turns_it_round(page: Chromium) -> None:
    click(page, one(".c-name"))
    forward = each(page, ".run .name")
    click(page, one(".c-name"))
    assert forward == each(page, ".run .name")[::-1]
    assert {"watched", "plain/healthy", "long"} <= set(forward)


def test_typing_filters_the_runs_and_a_chip_those_of_one_verdict(page: Chromium) -> None:
    page.press("/")
    for key in "plain":
        page.press(key)
    wait_for(page, 3, ".run")
    click(page, one(".chip.v-healthy"))
    assert each(page, ".run .name") == ["plain/healthy"]


def test_arrow_keys_move_through_the_runs(page: Chromium) -> None:
    click(page, one(".run"))
    page.run(f"{one('.scroller')}.focus()")
    first, second = each(page, ".run .name")[:2]
    page.press("ArrowDown")
    assert text(page, "h2") == second
    page.press("ArrowUp")
    assert text(page, "h2") == first


def test_another_run_is_shown_without_what_was_open_of_the_last(page: Chromium) -> None:
    choose(page, "watched")
    wait_for(page, 4, ".record")
    page.press("n")
    choose(page, "plain/healthy")
    assert page.run(f"{one('.inspector')}.hidden")
    left, _, width, _ = box(page, one(".detail"))
    right = left + width
    chart_left, _, chart_width, _ = box(page, one(".chart"))
    assert chart_left + chart_width > right - 60


def test_a_run_that_grows_is_drawn_on_without_a_reload(page: Chromium, logdir: Path) -> None:
    logs.plain(logdir / "growing", logs.falling(300))
    page.until(f"!!{row('growing')}")
    choose(page, "growing")
    assert in_view(page) == (0, 299)
    logs.plain(logdir / "growing", logs.falling(100, 1), first=300)
    page.until(f"{one('.range')}.textContent === 'steps 0 to 399'")


def test_a_run_that_cannot_be_read_says_why(page: Chromium) -> None:
    click(page, row("broken"))
    page.until(f"{one('.notice')}.textContent.startsWith('This run cannot be read')")


def test_markup_in_names_and_findings_stays_text(page: Chromium) -> None:
    choose(page, logs.EVIL)
    wait_for(page, 1, ".record")
    page.press("n")
    words = text(page, ".inspector")
    assert logs.SCRIPT in words
    assert logs.EVIL in words
    assert each(page, "img, script:not([type=module])") == []


def test_a_thousand_runs_are_scrolled_through_with_few_elements(
    browser: Chromium, tmp_path: Path
) -> None:
    for number in range(1000):
        run = tmp_path / "logs" / f"run-{number:04d}"
        run.mkdir(parents=True)
        (run / "log.csv").write_text("step,loss\n0,3\n1,2\n")
    board = TensorBoard(tmp_path / "logs")
    try:
        browser.go(board.url + PAGE)
        browser.until(f"{one('.status')}.textContent.startsWith('1,000 runs')")
        click(browser, one(".c-name"))
        assert len(each(browser, ".run")) < 60
        browser.run(f"{one('.scroller')}.focus()")
        browser.press("End")
        browser.until(f"!!{row('run-0999/log.csv')}")
    finally:
        browser.leave()
        board.stop()


@pytest.mark.parametrize(
    ("verdict", "kind", "shown"),
    [
        ("healthy", "lr_too_high", "healthy"),
        ("undecided", "lr_too_low", "undecided"),
        ("healthy", "divergence", "trouble"),
        ("too_high", "lr_too_high", "too_high"),
    ],
)
def test_a_run_that_came_back_from_a_rate_that_was_accused_is_in_no_trouble_beside_it(
    page: Chromium, verdict: str, kind: str, shown: str
) -> None:
    row = {"state": "judged", "verdict": verdict, "severity": "critical", "kind": kind}
    script = f"import('./words.js').then((words) => words.verdictOf({json.dumps(row)}))"
    assert page.run(script) == shown
