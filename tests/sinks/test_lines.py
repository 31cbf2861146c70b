import math

from hypothesis import given
from hypothesis import strategies as st

from lrwatch.records import Action, Alert
from lrwatch.sinks.lines import line, severity_of

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=100)


def alert(**changes: object) -> Alert:
    fields = {"kind": "divergence", "severity": "critical", "step": 1290, "onset": 1270}
    return Alert(**{**fields, "message": "loss 2.8 above 0.94", **changes})  # type: ignore[arg-type]


def test_alert_is_told_in_fixed_columns() -> None:
    told = line(alert(lr=3e-4, advice="halve the rate"), time_s=0)
    assert told == (
        "1970-01-01T00:00:00Z  CRIT  divergence          step=1290      opened   "
        "loss 2.8 above 0.94  lr=0.0003  try: halve the rate"
    )


def test_action_is_told_with_the_rate_before_and_after() -> None:
    action = Action(
        kind="rewind", step=7, reason="loss rose", lr_before=0.1, lr_after=0.05, to_step=5
    )
    assert line(action, time_s=0) == (
        "1970-01-01T00:00:00Z  ACT   rewind              step=7         done     "
        "loss rose  lr 0.1->0.05  to step 5"
    )


def test_a_rate_that_stays_as_it_was_is_not_told() -> None:
    kept = Action(kind="backoff", step=1, reason="kept", lr_before=0.1, lr_after=0.100001)
    assert line(kept, time_s=0).endswith("  kept")


def test_outcomes_and_dry_runs_are_told_apart() -> None:
    helped, failed = (
        Action(kind="outcome", step=1, reason="r", helped=helped) for helped in (True, False)
    )
    dry = Action(kind="backoff", step=1, reason="r", dry_run=True)
    assert [line(x, time_s=0).split()[4] for x in (helped, failed, dry)] == [
        "helped",
        "failed",
        "dry-run",
    ]


def test_colour_is_on_the_level_only_and_shifts_no_column() -> None:
    plain, colored = line(alert(), time_s=0), line(alert(), time_s=0, color=True)
    assert colored.replace("\033[1;31m", "").replace("\033[0m", "") == plain
    assert colored.count("\033") == 2


def test_non_finite_rates_are_told() -> None:
    assert "lr=nan" in line(alert(lr=math.nan), time_s=0)


@given(ANYTHING, ANYTHING, ANYTHING)
def test_no_text_breaks_the_line_or_reaches_the_terminal(kind: str, words: str, tip: str) -> None:
    told = line(alert(kind=kind, message=words, advice=tip, state=tip), time_s=0)
    assert told.isprintable()
    assert told.startswith("1970-01-01T00:00:00Z  CRIT  ")


def test_a_stop_is_critical_and_other_actions_are_warnings() -> None:
    assert severity_of(Action(kind="stop", step=1, reason="")) == "critical"
    assert severity_of(Action(kind="skip", step=1, reason="")) == "warning"
