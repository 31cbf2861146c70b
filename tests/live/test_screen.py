"""The screen fits into any window, says what counts first, and no text can break out of it."""

from dataclasses import replace

import pytest

from lrwatch.live.deeds import Deeds
from lrwatch.live.glance import Glance
from lrwatch.live.screen import Line, Window, screen
from lrwatch.live.series import Series
from lrwatch.live.sparkline import ASCII, BLOCKS, sparkline
from lrwatch.records import Action, Alert
from lrwatch.sinks.ledger_line import Entry

EVIL = "\x1b[2J\x1b]52;c;x\x07\u202e\r\nevil [bold]x[/]"
ALERT = Alert(
    kind="divergence",
    severity="critical",
    step=120,
    onset=100,
    message="loss 9.5 is above its band (1.2) for 40 values",
    advice="go back to a checkpoint and lower the rate to a third",
)
ACTION = Action(kind="backoff", step=121, reason="divergence", lr_before=0.1, lr_after=0.05)


def series(*values: float) -> Series:
    found = Series()
    for value in values:
        found.add(value)
    return found


def entry(record: Alert | Action) -> Entry:
    return Entry(time=0.0, run="", record=record, raw={})


GLANCE = Glance(
    name="runs/today",
    format="csv",
    verdict="too_high",
    step=12345,
    steps_per_s=4.125,
    age_s=2.0,
    loss=series(*(10.0 - 0.1 * i for i in range(90)), 12.0),
    grad_norm=series(1.0, float("nan")),
    lr=series(0.1, 0.1),
    entries=(entry(ALERT), entry(ACTION)),
    n_alerts=1,
)


def shown(line: Line) -> str:
    return "".join(text for text, _ in line).rstrip()


def text_of(glance: Glance, *, is_ascii: bool = False) -> str:
    window = Window(width=80, height=20, is_ascii=is_ascii)
    return "\n".join(map(shown, screen([glance], window)))


def test_a_run_is_shown_with_all_that_is_known() -> None:
    text = text_of(GLANCE)
    head, status, loss, norm, rate, *alerts = text.splitlines()
    assert head == "runs/today" + " " * 57 + "rate too high"
    assert status == "step 12,345  4.12 steps/s  2 s ago  1 alert  csv"
    assert loss.startswith("loss ")
    assert loss.endswith("12  1.1 .. 12")
    assert set(loss) & set(BLOCKS)
    assert norm.endswith("nan  1 .. 1")
    assert rate.split()[2:] == ["0.1", "0.1", "..", "0.1"]
    assert alerts[0] == "ACT  backoff at step 121, done: divergence; lr 0.1->0.05"
    assert alerts[1].startswith("CRIT divergence at step 120: loss 9.5 is above its band")


def done(*records: Action) -> Deeds:
    found = Deeds()
    for record in records:
        found.take(record)
    return found


HELPED = Action(kind="outcome", step=60, reason="came back", helped=True)
SCALED = replace(
    GLANCE,
    applied=series(0.1, 0.05),
    steps=series(*range(100)),
    deeds=done(replace(ACTION, step=20), HELPED),
)


def test_a_rate_that_was_scaled_is_shown_with_what_was_done_and_came_of_it() -> None:
    rows = text_of(SCALED).splitlines()
    assert rows[4].startswith("rate ")
    assert rows[5].split()[2:] == ["0.05", "0.05", "..", "0.1"]
    acts = rows[6].removeprefix("acts ")
    n_a_cell = 3  # 100 steps in 47 columns
    assert (acts.index("▼"), acts.index("✓")) == (20 // n_a_cell, 60 // n_a_cell)
    assert acts.endswith(" 1 action, 1 helped")
    assert not any(row.startswith(("used", "acts")) for row in text_of(GLANCE).splitlines())
    ascii_row = text_of(SCALED, is_ascii=True).splitlines()[6]
    assert (ascii_row.count("v"), ascii_row.count("+")) == (1, 1)


def test_an_outcome_counts_for_every_action_since_the_last_one() -> None:
    skip, failed = replace(ACTION, kind="skip"), replace(HELPED, helped=False)
    deeds = done(skip, skip, HELPED, ACTION, failed, replace(ACTION, kind="disarm"))
    assert (deeds.n_done, deeds.n_helped) == (3, 2)


def test_a_run_that_was_closed_is_over_and_not_stale() -> None:
    status = text_of(replace(GLANCE, is_over=True, age_s=100.0)).splitlines()[1]
    assert status == "step 12,345  ended 1 min ago  1 alert  csv"


def test_the_newest_alert_comes_with_what_to_try() -> None:
    text = " ".join(text_of(replace(GLANCE, entries=(entry(ALERT),))).split())
    assert "for 40 values; try: go back to a checkpoint and lower the rate to a third" in text


@pytest.mark.parametrize("n_runs", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("width", [1, 8, 20, 40, 80, 200])
@pytest.mark.parametrize("height", [1, 2, 5, 11, 24])
def test_it_fits_into_every_window(n_runs: int, width: int, height: int) -> None:
    broken = replace(GLANCE, problem="x" * 300, name="a very long name of a run " * 9)
    for glance in (GLANCE, broken, Glance(name="new"), SCALED):
        lines = screen([glance] * n_runs, Window(width=width, height=height))
        assert len(lines) <= height
        assert max(len("".join(text for text, _ in line)) for line in lines) <= width


def test_runs_that_do_not_fit_are_counted() -> None:
    lines = screen(
        [replace(GLANCE, name=f"run{i}") for i in range(30)], Window(width=60, height=10)
    )
    assert [shown(line).split()[0] for line in lines[:9]] == [f"run{i}" for i in range(9)]
    assert shown(lines[9]).startswith("and 21 more")


def test_a_curve_of_nothing_finite_has_no_range() -> None:
    text = text_of(replace(GLANCE, loss=series(float("nan"), float("inf"))))
    assert text.splitlines()[2].endswith("inf  nothing finite")


def test_a_run_in_one_line_has_name_verdict_step_and_curve() -> None:
    (line, *_) = screen([GLANCE] * 9, Window(width=60, height=10))
    assert shown(line).startswith("runs/today  rate too high     12345     2 s  ")
    assert set(shown(line)) & set(BLOCKS)


def test_a_run_that_has_stopped_is_marked() -> None:
    text = text_of(replace(GLANCE, is_stale=True, age_s=700.0))
    assert "step 12,345  STALE, 11 min ago" in text
    assert "steps/s" not in text


def test_a_log_that_is_still_being_read_says_so() -> None:
    assert "step 12,345  4.12 steps/s  reading" in text_of(replace(GLANCE, is_behind=True))


def test_a_run_that_cannot_be_read_says_why_and_hides_no_other() -> None:
    broken = Glance(name="bad", problem="bad: is a gzip archive")
    text = "\n".join(map(shown, screen([broken, GLANCE], Window(width=80, height=30))))
    assert "bad: is a gzip archive" in text
    assert "step 12,345" in text


def test_ascii_is_ascii_whatever_the_names_hold() -> None:
    glance = replace(GLANCE, name="größe/" + "ß" * 90, problem="größer")
    for height in (1, 20):
        text = "\n".join(
            map(shown, screen([glance], Window(width=50, height=height, is_ascii=True)))
        )
        assert text.isascii()
    assert set(ASCII) & set(text_of(GLANCE, is_ascii=True).splitlines()[2][5:])


@pytest.mark.parametrize("is_ascii", [False, True])
@pytest.mark.parametrize("height", [1, 30])
def test_no_text_of_a_run_reaches_the_terminal_raw(is_ascii: bool, height: int) -> None:
    alert = replace(ALERT, message=EVIL, advice=EVIL, kind=EVIL, severity=EVIL)  # type: ignore[arg-type]
    action = replace(ACTION, reason=EVIL)
    entries = (entry(alert), entry(action), entry(alert))
    for problem in ("", EVIL):
        glance = replace(GLANCE, name=EVIL, format=EVIL, problem=problem, entries=entries)
        for line in screen([glance], Window(width=300, height=height, is_ascii=is_ascii)):
            assert all(text.isprintable() for text, _ in line)


def test_no_runs_is_said() -> None:
    assert [shown(line) for line in screen([], Window(width=80, height=9))] == ["no runs yet"]


@pytest.mark.parametrize(
    ("cells", "curve"),
    [
        ([], ""),
        ([None, None], "  "),
        ([float("inf"), float("nan")], "xx"),
        ([5.0, 5.0], "__"),
        ([-1.0, 0.0, 6.0], "_.@"),
        ([1e-8, 1e-4, 1.0], "_+@"),
        ([0.1, 0.1 + 1e-17, 0.30000000000000004 - 0.2], "___"),
    ],
)
def test_a_curve_is_drawn(cells: list[float | None], curve: str) -> None:
    assert sparkline(cells, ASCII) == curve
