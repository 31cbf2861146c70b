"""Laws that every detector keeps, alone and within the whole watcher."""

import json
import math
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from lrwatch.detectors import DETECTORS
from lrwatch.detectors.detector import Detector
from lrwatch.records import KINDS, SEVERITIES, Alert, Severity, Step, to_dict
from lrwatch.stats.signals import Signals
from lrwatch.watcher import Watcher
from tests.detectors.streams import (
    HEALTHY,
    TROUBLE_AT,
    TROUBLED,
    Stream,
    Told,
    brief,
    diverging,
    exponential,
    loud,
    power_law,
    steps,
    swinging,
    tell,
    white_noise,
)

Make = Callable[[], Watcher]


def alone(detector: type[Detector]) -> Make:
    return lambda: Watcher(detectors=[detector()])


WATCHERS = [
    *(pytest.param(alone(d), id=d.__name__) for d in DETECTORS),
    pytest.param(Watcher, id="all"),
]
UNITS = [(1e-6, 0.0), (1e-6, -100.0), (1.0, -100.0), (1.0, 3.0), (1e6, 0.0), (1e6, 3.0)]
ALL = {**HEALTHY, **TROUBLED}
each = pytest.mark.parametrize("make", WATCHERS)
healthy = pytest.mark.parametrize("stream", HEALTHY.values(), ids=HEALTHY)
troubled = pytest.mark.parametrize("stream", TROUBLED.values(), ids=TROUBLED)
any_stream = pytest.mark.parametrize("stream", ALL.values(), ids=ALL)


def without_norm(run: list[Step]) -> list[Step]:
    return [replace(s, grad_norm=None) for s in run]


def without_rate(run: list[Step]) -> list[Step]:
    return [replace(s, lr=None) for s in run]


def spaced(run: list[Step], every: int) -> list[Step]:
    return [replace(s, step=every * s.step) for s in run]


def told_at(alerts: list[Told], every: int, offset: int = 0) -> list[Told]:
    """The same alerts at steps ``every`` apart."""
    return [
        (kind, severity, every * step + offset, state) for kind, severity, step, state in alerts
    ]


def test_every_kind_has_one_detector() -> None:
    assert sorted(d.kind for d in DETECTORS) == sorted(KINDS)


@healthy
def test_is_silent_on_a_healthy_run(stream: Stream) -> None:
    for seed in range(6):
        assert loud(tell(Watcher(), stream(seed))) == [], seed


@any_stream
def test_a_detector_alone_says_what_it_says_among_all(stream: Stream) -> None:
    among = brief(tell(Watcher(), stream(0)))
    for detector in DETECTORS:
        told = [t for t in among if t[0] == detector.kind]
        assert brief(tell(alone(detector)(), stream(0))) == told, detector


def test_a_loss_that_never_moves_is_at_most_a_stall_and_only_in_a_long_run() -> None:
    for seed in range(8):
        told = loud(tell(Watcher(), white_noise(seed, 2000)))
        assert {(kind, state) for kind, _, _, state in told} <= {("stall", "opened")}
        assert all(step >= 900 for _, _, step, _ in told)


@healthy
@pytest.mark.parametrize("strip", [without_norm, without_rate])
def test_a_healthy_run_may_report_less(
    stream: Stream, strip: Callable[[list[Step]], list[Step]]
) -> None:
    for seed in range(3):
        assert loud(tell(Watcher(), strip(stream(seed)))) == [], seed


@any_stream
@pytest.mark.parametrize("every", [10, 500])
def test_the_logging_interval_does_not_matter(stream: Stream, every: int) -> None:
    run = stream(0)
    told = brief(tell(Watcher(), spaced(run, every)))
    assert told == told_at(brief(tell(Watcher(), run)), every)


@healthy
def test_a_healthy_run_may_change_its_logging_interval(stream: Stream) -> None:
    run = [s for s in stream(1) if s.step < 300 or s.step % 10 == 0]
    assert loud(tell(Watcher(), run)) == []


@any_stream
def test_unit_and_zero_of_the_loss_do_not_matter(stream: Stream) -> None:
    run = stream(0)
    told = brief(tell(Watcher(), run))
    for scale, shift in UNITS:
        other = [replace(s, loss=scale * (s.loss or 0.0) + shift) for s in run]
        assert brief(tell(Watcher(), other)) == told, (scale, shift)


@any_stream
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_units_of_norm_and_rate_do_not_matter(stream: Stream, scale: float) -> None:
    run = stream(0)
    norm = [replace(s, grad_norm=None if s.grad_norm is None else scale * s.grad_norm) for s in run]
    rate = [replace(s, lr=None if s.lr is None else scale * s.lr) for s in run]
    told = brief(tell(Watcher(), run))
    assert brief(tell(Watcher(), norm)) == told
    assert brief(tell(Watcher(), rate)) == told


@any_stream
@pytest.mark.parametrize(
    "hole", [Step(step=0), Step(step=0, lr=math.nan), Step(step=0, lr=math.inf, skipped=True)]
)
def test_steps_without_values_change_only_the_numbers(stream: Stream, hole: Step) -> None:
    run = stream(0)
    holes = [
        x for s in run for x in (replace(hole, step=2 * s.step), replace(s, step=2 * s.step + 1))
    ]
    assert brief(tell(Watcher(), holes)) == told_at(brief(tell(Watcher(), run)), 2, 1)


@any_stream
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_rate_that_is_missing_now_and_then_changes_nothing(stream: Stream, bad: float) -> None:
    run = stream(0)
    holes = [replace(s, lr=bad) if s.step % 7 > 3 else s for s in run]
    assert brief(tell(Watcher(), holes)) == brief(tell(Watcher(), run))


@healthy
@pytest.mark.parametrize("norm", [math.inf, math.nan, None])
def test_steps_that_the_gradient_scaler_skipped_are_no_trouble(
    stream: Stream, norm: float | None
) -> None:
    run = [
        replace(s, skipped=True, grad_norm=norm) if s.step < 6 or s.step % 100 == 50 else s
        for s in stream(2)
    ]
    assert loud(tell(Watcher(), run)) == []
    assert "non_finite" not in {a.kind for a in tell(Watcher(), run)}


def test_a_skipped_step_with_a_loss_that_is_not_finite_is_no_trouble() -> None:
    run = [replace(s, skipped=True, loss=math.nan) if s.step % 50 == 0 else s for s in power_law(0)]
    assert tell(Watcher(), run) == []


@troubled
def test_reset_equals_new(stream: Stream) -> None:
    watcher = Watcher()
    fresh = watcher.state_dict()
    tell(watcher, swinging(5))
    watcher.reset()
    assert watcher.state_dict() == fresh
    assert watcher.alerts == []
    assert tell(watcher, stream(0)) == tell(Watcher(), stream(0))


@troubled
def test_the_same_run_gives_the_same_alerts(stream: Stream) -> None:
    assert tell(Watcher(), stream(1)) == tell(Watcher(), stream(1))


@any_stream
@pytest.mark.parametrize("cut", [0, 7, 33, 267, 417, 640])
def test_a_watcher_that_was_written_down_goes_on_alike(stream: Stream, cut: int) -> None:
    run = stream(3)
    whole = Watcher()
    before = tell(whole, run[:cut])
    resumed = Watcher()
    tell(resumed, exponential(9)[:cut])
    assert resumed.verdict
    resumed.load_state_dict(json.loads(json.dumps(whole.state_dict(), allow_nan=False)))
    assert resumed.alerts == before[-1000:]
    assert resumed.state_dict() == whole.state_dict()
    assert resumed.verdict == whole.verdict
    for step in run[cut:]:
        assert resumed.update(step) == whole.update(step)
        assert resumed.band == whole.band
    assert resumed.verdict == whole.verdict
    assert resumed.state_dict() == whole.state_dict()


@each
def test_state_is_a_copy(make: Make) -> None:
    watcher = make()
    tell(watcher, diverging(0)[:500])
    state = watcher.state_dict()
    then = json.dumps(state)
    tell(watcher, diverging(0)[500:])
    assert json.dumps(state) == then


def noisy(n: int) -> list[Step]:
    rng = random.Random(1)
    losses = [2 + 5 * (i + 10) ** -0.3 + rng.gauss(0, 0.1) for i in range(n)]
    return steps(losses, [math.exp(rng.gauss(0, 0.2)) for _ in range(n)], [1e-3] * n)


def test_memory_does_not_grow_with_the_run() -> None:
    watcher, sizes = Watcher(), []
    for step in noisy(50_000):
        watcher.update(step)
        if step.step in (5_119, 20_479, 40_959):  # as many blocks each time
            sizes.append(len(json.dumps(watcher.state_dict())))
    assert max(sizes) < 1.25 * sizes[0]
    assert max(sizes) < 40_000


@any_stream
def test_a_run_may_go_back_and_jump_ahead(stream: Stream) -> None:
    run = stream(0)
    back = [replace(s, step=s.step - 300) if s.step >= 450 else s for s in run]
    jump = [replace(s, step=s.step + 10_000) if s.step >= 450 else s for s in run]
    told = brief(tell(Watcher(), run))
    shifts = ((back, -300), (jump, 10_000))
    for moved, by in shifts:
        expected = [(k, sev, at + by if at >= 450 else at, st) for k, sev, at, st in told]
        assert brief(tell(Watcher(), moved)) == expected


@healthy
def test_a_rewind_to_older_and_higher_losses_is_no_trouble(stream: Stream) -> None:
    run = stream(2)
    assert loud(tell(Watcher(), run[:400] + run[300:])) == []


@any_stream
def test_an_alert_is_fit_for_a_line_and_for_json(stream: Stream) -> None:
    for alert in tell(Watcher(), stream(0)):
        assert alert.message
        assert "\n" not in alert.message + alert.advice
        assert not re.search(r"\b(nan|inf)", f"{alert.message} {alert.advice}")
        assert not re.search("NaN|Infinity", json.dumps(to_dict(alert), allow_nan=False))
        assert 0 <= alert.onset <= alert.step
        assert alert.severity in SEVERITIES
        assert alert.lr is None or math.isfinite(alert.lr)


def check_life(alerts: list[Alert]) -> None:
    """Opened, then ever worse, then closed, then perhaps opened again, under one number."""
    last: dict[str, Alert] = {}
    for alert in alerts:
        known = last.get(alert.kind)
        if alert.state == "opened":
            assert known is None or known.state == "closed"
            assert alert.trouble >= (known.trouble if known else 1)
        else:
            assert known is not None
            assert known.state != "closed"
            assert alert.trouble == known.trouble
            assert alert.onset == known.onset
        if alert.state == "raised":
            assert known is not None
            assert SEVERITIES.index(alert.severity) > SEVERITIES.index(known.severity)
        if alert.state == "closed":
            assert alert.severity == "info"
        last[alert.kind] = alert


@troubled
def test_a_trouble_is_opened_then_raised_then_closed(stream: Stream) -> None:
    run = stream(0)
    healed = [replace(s, step=s.step + len(run)) for s in power_law(1)]
    alerts = tell(Watcher(), run + healed + [replace(s, step=s.step + 2000) for s in run])
    check_life(alerts)


def test_troubles_that_overlap_share_a_number_and_the_next_has_its_own() -> None:
    run = diverging(0)[:600]
    calm = [replace(s, step=300 + s.step) for s in power_law(1)]
    alerts = tell(Watcher(), run)
    assert {a.trouble for a in alerts} == {1}
    assert len({a.kind for a in alerts}) > 1
    later = Watcher()
    tell(later, power_law(0)[:300])
    (first,) = later.update(Step(step=300, loss=math.nan))
    tell(later, calm[:100])
    (second,) = later.update(Step(step=900, loss=math.nan))
    assert (first.trouble, second.trouble) == (1, 2)


def storm(period: int, n: int) -> list[Step]:
    rng = random.Random(0)
    losses = [
        1 + rng.gauss(0, 0.01) + (10 if i >= 100 and i % period == 0 else 0) for i in range(n)
    ]
    return steps(losses, [1 + rng.gauss(0, 0.05) for _ in range(n)])


@pytest.mark.parametrize("period", [10, 40, 200])
def test_a_storm_of_spikes_is_told_by_its_logarithm(period: int) -> None:
    alerts = tell(Watcher(), storm(period, 20_000))
    per_kind = Counter(a.kind for a in alerts if a.state == "opened")
    assert 1 <= len(alerts) <= 60
    assert max(per_kind.values()) <= 4 * math.ceil(math.log2(20_000 / 256))
    check_life(alerts)


class Often(Detector):
    """Opens and closes at every other loss."""

    kind = "stall"

    def update(self, s: Signals) -> Alert | None:
        if s.n % 2:
            return self.tell(s, self.level, "again", onset=s.step)
        return self.close(s, "over")

    level: Severity = "warning"


@pytest.mark.parametrize(("level", "most"), [("info", 2), ("warning", 4), ("critical", 6)])
def test_what_comes_again_and_again_is_told_a_few_times_in_a_doubling(
    level: Severity, most: int
) -> None:
    often = Often()
    often.level = level
    watcher = Watcher(detectors=[often])
    opened = [a.step for a in tell(watcher, noisy(4200)) if a.state == "opened"]
    assert Counter(sum(end <= s for end in (512, 1025, 2050, 4101)) for s in opened) == {
        0: most,
        1: most,
        2: most,
        3: most,
        4: most,
    }


def test_every_troubled_stream_is_told_by_its_own_detector_soon() -> None:
    owner = {
        "leap": ("overshoot", 1),
        "swinging": ("oscillation", 60),
        "diverging": ("divergence", 20),
        "broken": ("non_finite", 1),
        "exploding": ("exploding_gradient", 5),
        "vanishing": ("vanishing_gradient", 40),
    }
    for name, (kind, within) in owner.items():
        for seed in range(6):
            at = [a.step for a in tell(Watcher(), TROUBLED[name](seed)) if a.kind == kind]
            assert at, (name, seed)
            assert TROUBLE_AT <= at[0] < TROUBLE_AT + within, (name, seed)
