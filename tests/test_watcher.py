"""The verdict on real physics in small, and what a watcher promises whatever it is fed."""

import json
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrwatch.detectors.divergence import Divergence
from lrwatch.detectors.overshoot import Overshoot
from lrwatch.records import Alert, Step, to_dict
from lrwatch.stats.signals import Signals
from lrwatch.watcher import Watcher

Training = Callable[[float, int], list[Step]]
N_STEPS = 800
BATCH = 40


def dot(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def clipped(value: float) -> float:
    return value if abs(value) < 1e150 else math.inf


def quadratic(rate: float, seed: int) -> list[Step]:
    """SGD on a noisy bowl with curvatures from 0.05 to 2: the best rate is near 0.3."""
    rng = random.Random(seed)
    curvatures = [2.0 * 0.025 ** (i / 9) for i in range(10)]
    weights, run = [2.0] * 10, []
    for step in range(N_STEPS):
        loss = 1.0 + 0.5 * sum(c * w * w for c, w in zip(curvatures, weights, strict=True))
        grads = [c * (w + rng.gauss(0, 0.3)) for c, w in zip(curvatures, weights, strict=True)]
        seen = loss * math.exp(rng.gauss(0, 0.05))
        norm = math.hypot(*grads)
        run.append(Step(step=step, loss=clipped(seen), grad_norm=clipped(norm), lr=rate))
        weights = [w - rate * g for w, g in zip(weights, grads, strict=True)]
        if not math.isfinite(norm) or norm > 1e100:
            return run
    return run


def logistic(rate: float, seed: int) -> list[Step]:
    """SGD on a logistic regression with label noise and batches of 40: good rates are near 1."""
    rng = random.Random(seed)
    truth = [2.0, -1.0, 0.5, 0.0]
    weights, run = [0.0] * 4, []
    for step in range(N_STEPS):
        grads, loss = [0.0] * 4, 0.0
        for _ in range(BATCH):
            x = [rng.gauss(0, 1) for _ in range(4)]
            sign = 1.0 if dot(truth, x) + rng.gauss(0, 0.7) > 0 else -1.0
            margin = sign * dot(weights, x)
            loss += (math.log1p(math.exp(-margin)) if margin > -30 else -margin) / BATCH
            pull = -sign / (1.0 + math.exp(min(margin, 30.0))) / BATCH
            grads = [g + pull * v for g, v in zip(grads, x, strict=True)]
        run.append(Step(step=step, loss=loss, grad_norm=math.hypot(*grads), lr=rate))
        weights = [w - rate * g for w, g in zip(weights, grads, strict=True)]
    return run


def watched(run: list[Step]) -> tuple[Watcher, list[Alert]]:
    watcher = Watcher()
    return watcher, [alert for step in run for alert in watcher.update(step)]


def losses(values: list[float]) -> list[Step]:
    return [Step(step=i, loss=x) for i, x in enumerate(values)]


TRAININGS = pytest.mark.parametrize("train", [quadratic, logistic])
GOOD = {"quadratic": 0.3, "logistic": 1.0}


@TRAININGS
@pytest.mark.parametrize("factor", [0.3, 1.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_good_rate_is_healthy(train: Training, factor: float, seed: int) -> None:
    watcher, alerts = watched(train(factor * GOOD[train.__name__], seed))
    assert watcher.verdict == "healthy"
    assert [a for a in alerts if a.verdict] == []


def test_no_run_is_healthy_while_an_alert_stands_that_says_it_does_not_train() -> None:
    rng = random.Random(0)
    guessing = [math.log(10) + rng.gauss(0, 0.01) for _ in range(300)]
    falling = [0.5 + 1.8 * math.exp(-i / 100) + rng.gauss(0, 0.01) for i in range(900)]
    watcher, alerts = watched(losses(guessing))
    assert [(a.kind, a.state) for a in alerts] == [("stall", "opened")]
    before = watcher.verdict
    told = [a for s in losses(guessing + falling)[300:] for a in watcher.update(s)]
    assert ("stall", "closed") in [(a.kind, a.state) for a in told]
    assert (before, watcher.verdict) == ("undecided", "healthy")


@TRAININGS
@pytest.mark.parametrize("seed", [0, 1])
def test_a_rate_a_thousand_times_too_low_is_named_while_it_runs(train: Training, seed: int) -> None:
    watcher, alerts = watched(train(1e-3 * GOOD[train.__name__], seed))
    assert watcher.verdict == "too_low"
    assert {a.verdict for a in alerts} == {"too_low"}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_rate_a_hundred_times_too_low_is_named_in_hindsight(seed: int) -> None:
    watcher, alerts = watched(logistic(1e-2, seed))
    assert watcher.verdict == "too_low"
    assert "too_high" not in {a.verdict for a in alerts}


@TRAININGS
@pytest.mark.parametrize("factor", [100.0, 1000.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_rate_far_too_high_is_named_while_it_runs(
    train: Training, factor: float, seed: int
) -> None:
    watcher, alerts = watched(train(factor * GOOD[train.__name__], seed))
    assert watcher.verdict == "too_high"
    assert {a.verdict for a in alerts} - {None} == {"too_high"}


def test_a_run_that_blows_up_is_critical_within_ten_steps() -> None:
    _, alerts = watched(quadratic(3.0, 0))
    assert min(a.step for a in alerts if a.severity == "critical") < 10


def test_nothing_is_decided_in_the_first_200_losses() -> None:
    watcher = Watcher()
    assert watcher.verdict == "undecided"
    for step in quadratic(0.3, 0)[:199]:
        watcher.update(step)
        assert watcher.verdict == "undecided"


def test_steps_without_a_loss_decide_nothing() -> None:
    watcher, alerts = watched([Step(step=i, grad_norm=1.0, lr=0.1) for i in range(500)])
    assert (watcher.verdict, watcher.band, alerts) == ("undecided", None, [])


def test_a_side_that_was_named_stands_until_its_trouble_is_closed() -> None:
    blown_up = [Step(step=i, loss=2.0 + 0.1 * (i % 3)) for i in range(30)]
    blown_up += [Step(step=30 + i, loss=10.0**i) for i in range(1, 8)]
    blown_up += [Step(step=38, loss=math.inf)]
    watcher, _ = watched(blown_up)
    assert watcher.verdict == "too_high"
    for i in range(15):
        watcher.update(Step(step=39 + i, loss=2.0 + 0.1 * (i % 3)))
    assert watcher.verdict == "too_high"
    closing = watcher.update(Step(step=54, loss=2.0))
    assert ("non_finite", "closed") in {(a.kind, a.state) for a in closing}


def test_the_band_holds_the_next_loss_of_a_calm_run() -> None:
    watcher, rng, n_outside = Watcher(), random.Random(0), 0
    for step in range(1000):
        loss = 3.0 + 4.0 / (step + 5) ** 0.5 + rng.gauss(0, 0.1)
        if watcher.band is None:
            assert step < 9
        else:
            low, high = watcher.band
            assert low <= high
            n_outside += not low <= loss <= high
        watcher.update(Step(step=step, loss=loss))
    assert n_outside < 20
    assert watcher.band is not None
    low, high = watcher.band
    level = 3.0 + 4.0 / 1000**0.5
    assert level - 2.0 < low < level - 0.1 < level + 0.1 < high < level + 2.0


def test_the_last_thousand_alerts_are_kept() -> None:
    class Chatty(Overshoot):
        def update(self, s: Signals) -> Alert | None:
            self.reset()
            return self.tell(s, "info", str(s.step), onset=s.step)

    watcher = Watcher(detectors=[Chatty()])
    for step in range(1500):
        watcher.update(Step(step=step, loss=1.0))
    assert [a.step for a in watcher.alerts] == list(range(500, 1500))


def test_alerts_cannot_be_changed_through_the_list() -> None:
    watcher, _ = watched(losses([1.0] * 20 + [math.nan]))
    watcher.alerts.clear()
    assert [a.kind for a in watcher.alerts] == ["non_finite"]


@pytest.mark.parametrize("total", [0, -5])
def test_a_bad_number_of_steps_is_named_with_its_value(total: int) -> None:
    with pytest.raises(ValueError, match=f"total_steps must be >= 1, got {total}"):
        Watcher(total_steps=total)


def test_two_detectors_of_one_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="different kinds, got divergence, divergence"):
        Watcher(detectors=[Divergence(), Divergence(patience=9)])


def test_state_of_another_version_is_refused() -> None:
    state = {**Watcher().state_dict(), "version": 99}
    with pytest.raises(ValueError, match="state must be of version 1, got 99"):
        Watcher().load_state_dict(state)


def test_state_of_other_detectors_is_refused() -> None:
    with pytest.raises(ValueError, match="state is of other detectors: divergence"):
        Watcher().load_state_dict(Watcher(detectors=[Divergence()]).state_dict())


HUGE = 1.7976931348623157e308
TINY = 5e-324
anything = st.one_of(
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, HUGE, -HUGE, TINY, math.inf, -math.inf, math.nan]),
)
maybe = st.one_of(st.none(), anything)


def check_is_json(watcher: Watcher) -> None:
    text = json.dumps(watcher.state_dict(), allow_nan=False)
    for alert in watcher.alerts:
        json.dumps(to_dict(alert), allow_nan=False)
        assert alert.onset <= alert.step
    resumed = Watcher()
    resumed.load_state_dict(json.loads(text))
    assert json.dumps(resumed.state_dict()) == text


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(maybe, maybe, maybe, st.booleans()), max_size=60),
    st.integers(min_value=1, max_value=12),
)
@example([(HUGE, HUGE, HUGE, False), (-HUGE, TINY, TINY, False)], 12)
@example([(TINY, TINY, TINY, False), (0.0, 0.0, 0.0, False)], 12)
@example([(1.0, HUGE, -1.0, False), (2.0, TINY, -HUGE, False)], 12)
def test_any_values_are_judged_without_an_error(
    rows: list[tuple[float | None, float | None, float | None, bool]], times: int
) -> None:
    watcher = Watcher()
    for step, (loss, norm, lr, skipped) in enumerate(rows * times):
        watcher.update(Step(step=step, loss=loss, grad_norm=norm, lr=lr, skipped=skipped))
    assert watcher.verdict in ("too_high", "too_low", "healthy", "undecided")
    check_is_json(watcher)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(anything, min_size=1, max_size=8),
    st.lists(anything, min_size=1, max_size=8),
    st.lists(anything, min_size=1, max_size=3),
    st.integers(min_value=0, max_value=2**32),
)
@example([HUGE, -HUGE], [HUGE, TINY], [HUGE], 0)
@example([1.0, 1.0 + 1e-16], [1.0], [0.0], 1)
def test_long_runs_of_odd_values_are_judged_without_an_error(
    few_losses: list[float], few_norms: list[float], few_rates: list[float], seed: int
) -> None:
    rng, watcher = random.Random(seed), Watcher()
    for step in range(600):
        loss, norm = rng.choice(few_losses), rng.choice(few_norms)
        watcher.update(Step(step=step, loss=loss, grad_norm=norm, lr=rng.choice(few_rates)))
        if step % 50 == 0:
            assert watcher.verdict in ("too_high", "too_low", "healthy", "undecided")
    check_is_json(watcher)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(min_value=-(2**62), max_value=2**62), max_size=100))
def test_any_numbers_of_steps_are_accepted(numbers: list[int]) -> None:
    watcher = Watcher()
    for i, number in enumerate(numbers):
        assert watcher.update(Step(step=number, loss=1.0 / (i + 1))) == []


@pytest.mark.parametrize("number", [int, np.float32, np.int64, np.float16])
@pytest.mark.parametrize("field", ["loss", "grad_norm", "lr"])
def test_numbers_of_any_kind_are_judged_as_floats(number: Callable[[int], Any], field: str) -> None:
    rng = random.Random(0)
    rows = [{"loss": 50 + rng.randrange(9), "grad_norm": 3, "lr": 1} for _ in range(300)]
    rows[200:] = [{"loss": 2000, "grad_norm": 900, "lr": 1}] * 100
    plain, other = Watcher(), Watcher()
    for i, row in enumerate(rows):
        values: dict[str, Any] = {name: float(value) for name, value in row.items()}
        due = plain.update(Step(step=i, **values))
        values[field] = number(row[field])
        step = Step(step=np.int64(i), skipped=np.bool_(False), **values)  # type: ignore[arg-type]
        assert other.update(step) == due
    assert plain.alerts
    assert json.dumps(other.state_dict()) == json.dumps(plain.state_dict())


def test_of_a_surrogate_loss_only_gradients_and_non_finite_values_are_judged() -> None:
    rising = [Step(step=i, loss=0.5 + 0.1 * i + 0.01 * (i % 3), grad_norm=1.0) for i in range(300)]
    rising[50] = Step(step=50, loss=1e6, grad_norm=1.0)
    trusted, surrogate = Watcher(), Watcher(surrogate=True)
    assert "overshoot" in {a.kind for step in rising for a in trusted.update(step)}
    assert [a for step in rising for a in surrogate.update(step)] == []
    assert surrogate.verdict == "undecided"
    (alert,) = surrogate.update(Step(step=300, loss=math.nan, grad_norm=1.0))
    assert alert.kind == "non_finite"
    assert any(
        a.kind == "exploding_gradient"
        for i in range(301, 320)
        for a in surrogate.update(Step(step=i, loss=1.0, grad_norm=1e9))
    )


def calm(first: int, n: int, level: float, seed: int = 0) -> list[Step]:
    rng = random.Random(seed)
    return [
        Step(step=first + i, loss=level + rng.gauss(0, 0.01), grad_norm=1.0, lr=0.1)
        for i in range(n)
    ]


def fed(watcher: Watcher, steps: list[Step]) -> list[Alert]:
    return [alert for step in steps for alert in watcher.update(step)]


def test_run_that_went_back_is_judged_as_it_was_then() -> None:
    watcher = Watcher()
    fed(watcher, calm(0, 60, 4.0))
    mark, band = watcher.mark(), watcher.band
    fed(watcher, calm(60, 60, 1.0))
    assert watcher.rewind(mark) == []
    assert watcher.band == band
    assert fed(watcher, calm(120, 60, 4.0, seed=1)) == []


def test_without_a_rewind_the_same_losses_are_an_overshoot() -> None:
    watcher = Watcher()
    fed(watcher, [*calm(0, 60, 4.0), *calm(60, 60, 1.0)])
    assert "overshoot" in [a.kind for a in fed(watcher, calm(120, 60, 4.0, seed=1))]


def test_troubles_since_the_mark_are_closed_by_a_rewind() -> None:
    watcher = Watcher()
    fed(watcher, calm(0, 60, 4.0))
    mark = json.loads(json.dumps(watcher.mark()))
    opened = fed(watcher, calm(60, 20, 40.0))
    closed = watcher.rewind(mark)
    assert {a.kind for a in closed} == {a.kind for a in opened} != set()
    assert {(a.state, a.step) for a in closed} == {("closed", 79)}
    assert [a.trouble for a in watcher.alerts] == [1] * len(watcher.alerts)
    assert watcher.verdict == "undecided"


def test_trouble_that_was_over_does_not_open_again_by_a_rewind() -> None:
    watcher = Watcher()
    fed(watcher, calm(0, 60, 4.0))
    fed(watcher, [Step(step=60, loss=math.nan)])
    mark = watcher.mark()
    fed(watcher, calm(61, 60, 4.0, seed=1))
    assert watcher.alerts[-1].state == "closed"
    assert watcher.rewind(mark) == []
    assert fed(watcher, calm(121, 60, 4.0, seed=2)) == []


@pytest.mark.parametrize("norm", [lambda i: 1 / (1 + i / 20), lambda i: math.exp(-i / 50)])
def test_loss_that_is_always_the_same_number_names_no_side(norm: Callable[[int], float]) -> None:
    watcher = Watcher()
    alerts = [
        a
        for i in range(800)
        for a in watcher.update(Step(step=i, loss=1.0, grad_norm=norm(i), lr=0.1))
    ]
    assert [alert.kind for alert in alerts if alert.verdict] == []
    assert watcher.verdict == "undecided"
