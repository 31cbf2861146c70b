import math
import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lrwatch.detectors.lr_too_low import LrTooLow
from lrwatch.records import Step
from lrwatch.watcher import Watcher
from tests.detectors.streams import alerts_of, exponential, norms, power_law, steps, still, tell


def slow(
    seed: int, *, fall: float, n: int = 1000, end: float = 1.0, rates: list[float] | None = None
) -> list[Step]:
    """A straight line down by ``fall``; the norm goes from 1 to ``end``."""
    rng = random.Random(seed)
    losses = [2.5 - fall * i / n + rng.gauss(0, 0.1) for i in range(n)]
    felt = [math.exp(math.log(end) * i / n + rng.gauss(0, 0.1)) for i in range(n)]
    return steps(losses, felt, rates or [1e-6] * n)


@pytest.mark.parametrize("seed", range(8))
def test_a_run_that_does_not_move_is_told_after_150_losses(seed: int) -> None:
    (alert,) = alerts_of(LrTooLow(), still(seed))
    assert 150 <= alert.step < 300
    assert (alert.severity, alert.verdict, alert.onset) == ("warning", "too_low", 0)
    assert "the loss has not moved from 2.5" in alert.message or "2.4" in alert.message


@pytest.mark.parametrize("seed", range(8))
def test_progress_that_does_not_slow_is_told_while_it_is_small(seed: int) -> None:
    first, *_ = alerts_of(LrTooLow(), slow(seed, fall=1.5))
    assert first.step < 999
    assert first.verdict == "too_low"


def paced(seed: int, *, fall: float, end: float = 1.0) -> list[Step]:
    """A line down by ``fall`` in 900 steps, with half of the pace after a third."""
    rng = random.Random(seed)
    losses = [2.5 - fall * (i + min(i, 300)) / 1200 + rng.gauss(0, 0.1) for i in range(900)]
    felt = [math.exp(math.log(end) * i / 900 + rng.gauss(0, 0.1)) for i in range(900)]
    return steps(losses, felt, [1e-4] * 900)


@pytest.mark.parametrize("seed", range(3))
def test_progress_at_one_pace_is_told(seed: int) -> None:
    first, *_ = alerts_of(LrTooLow(), paced(seed, fall=2.2))
    assert first.verdict == "too_low"
    assert re.search(r"fell by [\d.]+ times its noise to [\d.]+, \d+% as fast", first.message)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("change", [{"end": 1e-4}, {"fall": 9.0}])
def test_a_gradient_that_shrank_or_a_clear_gain_are_no_such_pace(
    seed: int, change: dict[str, float]
) -> None:
    settings: dict[str, Any] = {"fall": 2.2} | change
    assert alerts_of(LrTooLow(), paced(seed, **settings)) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_plateau_before_the_fall_is_no_pace(seed: int) -> None:
    rng = random.Random(seed)
    losses = [2.3 - 0.004 * max(0, i - 80) + rng.gauss(0, 0.07) for i in range(480)]
    felt = [math.exp(rng.gauss(0, 0.1)) for _ in losses]
    told = alerts_of(LrTooLow(), steps(losses, felt, [0.1] * 480))
    assert [alert for alert in told if "as fast now" in alert.message] == []


def test_what_fell_at_once_and_stands_since_is_not_too_low() -> None:
    fell = [replace(s, loss=(s.loss or 0.0) + math.exp(-s.step / 8)) for s in still(0)]
    assert alerts_of(LrTooLow(), still(0)) != []
    assert alerts_of(LrTooLow(), fell) == []


def test_the_first_tenth_counts_from_where_the_run_began() -> None:
    watcher = Watcher(detectors=[LrTooLow()], total_steps=5_000)
    (alert,) = tell(watcher, [replace(s, step=s.step + 5000) for s in still(0)])
    assert alert.step >= 5500


@pytest.mark.parametrize("stream", [power_law, exponential])
@pytest.mark.parametrize("seed", range(8))
def test_progress_that_slows_is_not(stream: Callable[[int, int], list[Step]], seed: int) -> None:
    assert alerts_of(LrTooLow(), stream(seed, 2000)) == []


@pytest.mark.parametrize("power", [0.2, 0.35, 0.5])
@pytest.mark.parametrize("end", [0.4, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_power_law_is_not_however_noisy_and_whatever_the_norm(
    seed: int, power: float, end: float
) -> None:
    rng = random.Random(seed)
    losses = [2 + 8 * (i + 10) ** -power + rng.gauss(0, 0.4) for i in range(3000)]
    felt = norms(rng, 3000, end=end)
    assert alerts_of(LrTooLow(), steps(losses, felt, [1e-3] * 3000)) == []


@pytest.mark.parametrize("seed", range(4))
def test_a_gradient_that_shrank_is_not(seed: int) -> None:
    assert alerts_of(LrTooLow(), slow(seed, fall=1.5, end=1e-4)) == []


def test_without_a_norm_or_a_rate_nothing_is_said() -> None:
    run = still(0)
    assert alerts_of(LrTooLow(), run) != []
    assert alerts_of(LrTooLow(), [replace(s, grad_norm=None) for s in run]) == []
    assert alerts_of(LrTooLow(), [replace(s, lr=None) for s in run]) == []


def test_a_run_that_was_shaken_early_is_not() -> None:
    loss_leapt = still(0)
    loss_leapt[30] = replace(loss_leapt[30], loss=8.0)
    assert alerts_of(LrTooLow(), loss_leapt) == []
    norm_leapt = still(0)
    norm_leapt[30] = replace(norm_leapt[30], grad_norm=50.0)
    assert alerts_of(LrTooLow(), norm_leapt) == []


def test_nothing_is_said_during_a_warm_up() -> None:
    rates = [1e-6 * (i + 1) for i in range(1000)]
    assert alerts_of(LrTooLow(), slow(0, fall=0.0, rates=rates)) == []


def test_a_slow_run_is_named_while_its_rate_decays_and_told_the_highest() -> None:
    rates = [1e-3 * min(i / 100, (1.0 + math.cos(math.pi * i / 500)) / 2) for i in range(500)]
    first, *_ = alerts_of(LrTooLow(), slow(0, fall=0.0, n=500, rates=rates))
    now = rates[first.step]
    assert 0.2 < now / max(rates) < 0.9
    assert f"(at its highest {max(rates):.3g}, so {30 * max(rates):.2g} or" in first.advice
    assert first.evidence["lr_to_try"] == pytest.approx(30 * max(rates))


def test_nothing_is_said_once_the_rate_has_decayed() -> None:
    rates = [1e-3 if i < 100 else 1e-4 for i in range(1000)]
    assert alerts_of(LrTooLow(), slow(0, fall=0.0, rates=rates)) == []


def test_two_looks_in_a_row_have_to_agree() -> None:
    watcher = Watcher(detectors=[LrTooLow()])
    alerts, looks = [], []
    for step in still(0):
        alerts += watcher.update(step)
        if watcher._signals.review and step.step >= 129:
            looks.append(step.step)
    assert alerts[0].step == looks[1]


@pytest.mark.parametrize("min_steps", [32, 400])
def test_the_number_of_losses_before_the_first_alert_can_be_set(min_steps: int) -> None:
    first, *_ = alerts_of(LrTooLow(min_steps=min_steps), still(0))
    assert min_steps <= first.step < 1.5 * min_steps + 10


def test_in_a_run_of_known_length_nothing_is_said_in_the_first_tenth() -> None:
    def first(total_steps: int | None) -> int:
        watcher = Watcher(detectors=[LrTooLow()], total_steps=total_steps)
        return tell(watcher, still(0))[0].step

    assert first(5_000) >= 500 > first(None) == first(1000)


def test_zero_spread_counts_as_nothing_to_be_seen() -> None:
    run = steps([2.0] * 400, [1.0] * 400, [1e-9] * 400)
    assert [a.verdict for a in alerts_of(LrTooLow(), run)] == ["too_low"]


def test_it_is_closed_when_the_loss_comes_down_and_slows() -> None:
    begun = still(0)[:300]
    rng = random.Random(0)
    for i in range(4000):
        loss = 0.5 + 2.0 * math.exp(-i / 150) + rng.gauss(0, 0.02)
        begun.append(Step(step=300 + i, loss=loss, grad_norm=0.3, lr=1e-6))
    assert [a.state for a in alerts_of(LrTooLow(), begun)] == ["opened", "closed"]


def test_the_advice_names_rates() -> None:
    run = [replace(s, lr=1e-5) for s in still(0)]
    (alert,) = alerts_of(LrTooLow(), run)
    names = "try thirty times the rate, then a hundred times (now 1e-05, so 0.0003 or 0.001)"
    longer = "a run that is to be thirty times as long may get there as it is"
    assert alert.advice == f"{names}; {longer}"
    (told,) = tell(Watcher(detectors=[LrTooLow()], total_steps=len(run)), run)
    assert told.advice == names
    assert alert.evidence["lr_to_try_next"] == pytest.approx(1e-3)


def test_where_the_rate_is_zero_no_multiple_of_it_is_named() -> None:
    (alert,) = alerts_of(LrTooLow(), [replace(s, lr=0.0) for s in still(0)])
    assert alert.advice == "the rate is 0: set one, or look at the warm-up"
    assert alert.evidence["lr_to_try"] is None


def test_at_the_level_of_guessing_labels_are_named_before_rates() -> None:
    run = [replace(s, loss=math.log(10) + 0.3 * ((s.loss or 0.0) - 2.5)) for s in still(0)]
    (alert,) = alerts_of(LrTooLow(), run)
    (rates,) = alerts_of(LrTooLow(), still(0))
    assert alert.advice == f"check that labels match inputs; if they do, {rates.advice}"


@pytest.mark.parametrize("bad", [31, 0, -1])
def test_a_bad_argument_is_named_with_its_value(bad: int) -> None:
    with pytest.raises(ValueError, match=f"min_steps must be >= 32, got {bad}"):
        LrTooLow(min_steps=bad)


@pytest.mark.parametrize("seed", range(4))
def test_a_fall_within_the_first_steps_is_no_standing_still(seed: int) -> None:
    rng = random.Random(seed)
    losses = [0.45 + 0.6 * math.exp(-i / 4) + rng.gauss(0, 0.1) for i in range(400)]
    told = alerts_of(
        LrTooLow(), steps(losses, [math.exp(rng.gauss(0, 0.2)) for _ in losses], [0.1] * 400)
    )
    assert told == []


def drifting(stream: list[Step], drift: float, since: int = 0) -> list[Step]:
    """The same with a drift of the weights that is told at every hundredth step."""
    return [replace(s, drift=drift) if s.step >= since and s.step % 100 == 0 else s for s in stream]


@pytest.mark.parametrize("seed", range(3))
def test_weights_that_go_back_and_forth_are_at_no_rate_too_low(seed: int) -> None:
    for stream in (still(seed), slow(seed, fall=1.5)):
        assert alerts_of(LrTooLow(), drifting(stream, 0.1)) == []
        assert [a.state for a in alerts_of(LrTooLow(), drifting(stream, 0.8))] == ["opened"]
        assert [a.state for a in alerts_of(LrTooLow(), drifting(stream, math.nan))] == ["opened"]


def test_an_alert_ends_where_the_weights_begin_to_go_back_and_forth() -> None:
    opened, closed = alerts_of(LrTooLow(), drifting(still(0), 0.1, since=500))
    assert (opened.state, closed.state) == ("opened", "closed")
    assert 500 <= closed.step < 620
    assert "back and forth" in closed.message


def test_a_drift_counts_for_as_much_summed_rate() -> None:
    decaying = [1e-6 * (1 - i / 600) for i in range(500)]
    stream = [replace(s, lr=r) for s, r in zip(still(0)[:500], decaying, strict=False)]
    assert alerts_of(LrTooLow(), drifting(stream, 0.3)) != []
