import math

import pytest

from lrwatch.detectors.detector import Detector
from lrwatch.records import Severity, Step
from lrwatch.stats.signals import Signals


class Plain(Detector):
    kind = "stall"


def at(step: int, lr: float | None = None) -> Signals:
    signals = Signals()
    signals.update(Step(step=step, loss=1.0, lr=lr))
    return signals


def test_a_trouble_is_told_once() -> None:
    detector = Plain()
    first = detector.tell(at(5, lr=0.1), "warning", "seen", onset=3, advice="do", verdict="too_low")
    assert first is not None
    assert (first.step, first.onset, first.state, first.lr) == (5, 3, "opened", 0.1)
    assert (first.kind, first.advice, first.verdict) == ("stall", "do", "too_low")
    assert detector.tell(at(6), "warning", "seen", onset=6) is None
    assert detector.is_open


def test_it_is_raised_when_it_gets_worse_and_keeps_its_onset() -> None:
    detector = Plain()
    severities: list[Severity] = ["info", "info", "critical", "warning", "critical"]
    told = []
    for step, severity in enumerate(severities):
        alert = detector.tell(at(step), severity, "seen", onset=step)
        told.append((alert.state, alert.severity, alert.onset) if alert else None)
    assert told == [("opened", "info", 0), None, ("raised", "critical", 0), None, None]


def test_closing_needs_an_open_trouble() -> None:
    detector = Plain()
    assert detector.close(at(1), "over") is None
    detector.tell(at(2), "critical", "seen", onset=2)
    closed = detector.close(at(9), "over")
    assert closed is not None
    assert (closed.state, closed.severity, closed.onset, closed.step) == ("closed", "info", 2, 9)
    assert not detector.is_open
    assert detector.close(at(10), "over") is None


def test_the_next_trouble_has_its_own_onset() -> None:
    detector = Plain()
    detector.tell(at(2), "warning", "seen", onset=2)
    detector.close(at(3), "over")
    again = detector.tell(at(8), "info", "seen", onset=7)
    assert again is not None
    assert (again.state, again.onset) == ("opened", 7)


def test_an_onset_is_never_after_the_step_when_a_run_goes_back() -> None:
    detector = Plain()
    detector.tell(at(500), "info", "seen", onset=498)
    raised = detector.tell(at(40), "warning", "seen", onset=40)
    closed = detector.close(at(50), "over")
    assert raised is not None
    assert closed is not None
    assert (raised.onset, closed.onset) == (40, 50)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_has_no_word_for_are_left_out(bad: float) -> None:
    found: dict[str, float | int | str | None] = {
        "bad": bad,
        "good": 1.5,
        "count": 3,
        "word": "x",
        "none": None,
    }
    alert = Plain().tell(at(0), "info", "seen", onset=0, value=bad, limit=bad, evidence=found)
    assert alert is not None
    assert (alert.value, alert.limit, alert.lr) == (None, None, None)
    assert alert.evidence == {**found, "bad": None}


def test_a_detector_must_say_how_it_judges() -> None:
    with pytest.raises(NotImplementedError):
        Plain().update(at(0))
