"""Which way the rate is wrong, by the alerts that stand and the verdict that the watch kept."""

import pytest

from lrwatch.records import Alert, AlertState, Side, Verdict
from lrwatch.sinks.ledger_line import Entry
from lrwatch.sinks.sides import Sides
from lrwatch.sinks.verdict_file import Standing


def opening(run: str, start_step: object, time_s: float = 0.0) -> Entry:
    return Entry(time=time_s, run=run, record=None, raw={"start_step": start_step})


def alert(
    run: str, step: int, side: Side | None, *, state: AlertState = "opened", time_s: float = 0.0
) -> Entry:
    record = Alert(
        kind="lr_too_high" if side != "too_low" else "lr_too_low",
        severity="warning",
        step=step,
        onset=step,
        message="m",
        verdict=side,
        state=state,
    )
    return Entry(time=time_s, run=run, record=record, raw={})


def kept(run: str, verdict: Verdict, time_s: float = 100.0) -> Standing:
    return Standing(verdict=verdict, step=9, n_steps=10, closed=False, time=time_s, run=run)


def sides(*entries: Entry) -> Sides:
    found = Sides()
    for entry in entries:
        found.take(entry)
    return found


def test_an_alert_of_the_running_segment_counts_most() -> None:
    found = sides(opening("a", 0), alert("a", 10, "too_high"))
    assert found.verdict(kept("a", "healthy"), "healthy") == "too_high"


def test_without_one_the_verdict_that_was_kept_counts() -> None:
    found = sides(opening("a", 0), alert("a", 10, None))
    assert found.verdict(kept("a", "too_low"), "undecided") == "too_low"
    assert found.verdict(kept("a", "healthy"), "undecided") == "healthy"


def test_one_of_an_earlier_segment_does_not_count() -> None:
    found = sides(opening("a", 0), opening("b", 500))
    assert not found.holds(kept("a", "too_high"))
    assert found.verdict(kept("a", "too_high"), "undecided") == "undecided"


def test_one_that_was_kept_before_its_alert_ended_does_not_count() -> None:
    ended = alert("a", 20, None, state="closed", time_s=50.0)
    found = sides(opening("a", 0), alert("a", 10, "too_high", time_s=40.0), ended)
    assert found.verdict(kept("a", "too_high", time_s=45.0), "undecided") == "undecided"
    assert found.verdict(kept("a", "healthy", time_s=50.0), "undecided") == "healthy"


def test_what_is_drawn_is_too_thin_to_accuse_the_rate() -> None:
    assert sides().verdict(None, "too_high") == "undecided"
    assert sides().verdict(None, "healthy") == "healthy"


@pytest.mark.parametrize(
    ("start", "verdict"), [(0, "undecided"), (10, "undecided"), (11, "too_high")]
)
def test_a_restart_undoes_what_was_said_of_its_step_and_later_ones(
    start: int, verdict: Verdict
) -> None:
    found = sides(opening("a", 0), alert("a", 10, "too_high"), opening("b", start))
    assert found.verdict(None, "undecided") == verdict


def test_a_segment_that_knows_its_verdict_does_not_ask_the_one_before() -> None:
    found = sides(opening("a", 0), alert("a", 10, "too_high"), opening("b", 11))
    assert found.verdict(kept("b", "healthy"), "undecided") == "healthy"


def test_an_alert_that_ends_after_a_resume_stands_no_more() -> None:
    ended = alert("b", 20, None, state="closed")
    found = sides(opening("a", 0), alert("a", 10, "too_high"), opening("b", 11), ended)
    assert found.verdict(None, "undecided") == "undecided"


def test_a_start_step_of_no_kind_undoes_nothing() -> None:
    found = sides(opening("a", 0), alert("a", 10, "too_high"), opening("b", "evil"))
    assert found.verdict(None, "undecided") == "too_high"


def test_a_verdict_without_its_ledger_counts() -> None:
    assert sides().verdict(kept("a", "too_low"), "undecided") == "too_low"
