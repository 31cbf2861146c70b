import json
import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from lrwatch.detectors.lr_too_low import LrTooLow
from lrwatch.records import Step
from lrwatch.watcher import Watcher
from tests.detectors.streams import alerts_of, steps, tell

Rate = Callable[[float], float]


def trained(rate: Rate, n: int = 1500, *, seed: int = 0, end: float = 0.8) -> list[Step]:
    """A loss that comes down with the rates summed, under ``rate(i)``, 1 at most."""
    rng = random.Random(seed)
    done, losses, felt, rates = 0.0, [], [], []
    for i in range(n):
        rates.append(1e-2 * rate(i))
        done += rate(i)
        losses.append(1.0 + 1.3 * math.exp(-done / 30) + rng.gauss(0, 0.1))
        felt.append(math.exp(math.log(end) * min(1.0, done / 60) + rng.gauss(0, 0.15)))
    return steps(losses, felt, rates)


def every_batch(gamma: float, n_steps: int = 1) -> Rate:
    """A schedule by ``gamma`` every so many epochs, stepped once a batch."""
    return lambda i: gamma ** (i // n_steps)


def dead(i: float) -> float:
    return float(i < 50)


SPENT: dict[str, Rate] = {
    "exponential": every_batch(0.9),
    "every ten": every_batch(0.1, 10),
    "every thirty": every_batch(0.1, 30),
    "zero": dead,
}


@pytest.mark.parametrize("rate", SPENT.values(), ids=SPENT)
@pytest.mark.parametrize("seed", range(3))
def test_a_schedule_that_is_over_in_the_first_batches_is_told(rate: Rate, seed: int) -> None:
    watcher = Watcher()
    (alert,) = tell(watcher, trained(rate, seed=seed))
    died = next(i for i in range(1500) if rate(i) < 1e-4)
    assert (alert.kind, alert.severity, alert.verdict) == ("lr_too_low", "warning", "too_low")
    assert died + 200 <= alert.step < 600
    assert abs(alert.onset - died) < 20
    assert "less than a ten-thousandth of its highest, 0.01, and the loss" in alert.message
    assert "is scheduler.step() called once a batch" in alert.advice
    assert watcher.verdict == "too_low"


def one_cycle(i: float) -> float:
    top, end = 1.0 - 0.04, 4e-6
    if i < 450:
        return 0.04 + top * i / 450
    return end + (1.0 - end) * (1.0 + math.cos(math.pi * (i - 450) / 1050)) / 2


def cosine(i: float, n: int = 1500) -> float:
    return (1.0 + math.cos(math.pi * min(i, n) / n)) / 2


WHOLE: dict[str, Rate] = {
    "linear": lambda i: 1.0 - i / 1500,
    "cosine": cosine,
    "one cycle": one_cycle,
    "ninth power": lambda i: (1.0 - i / 1500) ** 9,
    "exponential": lambda i: 1e-7 ** (i / 1500),
    "thirds": lambda i: 0.1 ** (i // 500),
    "restarts": lambda i: cosine(i % 100, 100),
    "over at two thirds": lambda i: cosine(i, 1000),
    "a thousandth": lambda i: 1.0 if i < 50 else 1e-3,
}


@pytest.mark.parametrize("rate", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("seed", range(3))
def test_a_schedule_that_lasts_as_long_as_the_run_is_not(rate: Rate, seed: int) -> None:
    run = trained(rate, seed=seed)
    assert alerts_of(LrTooLow(), run) == []
    assert alerts_of(LrTooLow(), [replace(s, grad_norm=None) for s in run]) == []


def test_the_rate_alone_is_enough() -> None:
    run = [replace(s, grad_norm=None) for s in trained(SPENT["every ten"])]
    assert [a.kind for a in alerts_of(LrTooLow(), run)] == ["lr_too_low"]


def test_a_run_whose_batches_are_solved_by_then_is_not() -> None:
    assert alerts_of(LrTooLow(), trained(dead, end=1e-8)) == []
    losses = [2.0 * math.exp(-min(i, 50) / 8) for i in range(900)]
    assert alerts_of(LrTooLow(), steps(losses, None, [dead(i) for i in range(900)])) == []


def test_a_loss_that_still_comes_down_is_not_stopped_by_its_rate() -> None:
    """The rate after a range test, or of a group that is frozen while others train."""
    learned = trained(lambda i: 1.0)
    run = [replace(s, lr=10.0 if s.step < 50 else 5e-4) for s in learned]
    assert alerts_of(LrTooLow(), run) == []


def test_where_the_length_is_known_half_of_it_has_to_be_lost() -> None:
    run = trained(SPENT["every ten"])

    def told(total_steps: int) -> list[int]:
        watcher = Watcher(detectors=[LrTooLow()], total_steps=total_steps)
        return [alert.step for alert in tell(watcher, run)]

    assert told(100_000) == []
    (step,) = told(1500)
    assert 790 < step < 900


def test_it_is_over_when_the_rate_is_back() -> None:
    run = trained(lambda i: float(i < 50 or i >= 500))
    opened, closed = alerts_of(LrTooLow(), run)
    assert (opened.state, closed.state) == ("opened", "closed")
    assert 500 <= closed.step < 560
    assert closed.message == "the rate is back at 0.01"


def test_what_was_told_of_a_schedule_survives_json() -> None:
    run = trained(lambda i: float(i < 50 or i >= 500))
    watcher, resumed = (Watcher(detectors=[LrTooLow()]) for _ in range(2))
    assert len(tell(watcher, run[:450])) == 1
    resumed.load_state_dict(json.loads(json.dumps(watcher.state_dict(), allow_nan=False)))
    assert tell(resumed, run[450:]) == tell(watcher, run[450:]) != []


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_unit_of_the_rate_does_not_matter(unit: float) -> None:
    run = trained(SPENT["exponential"])
    (alert,) = alerts_of(LrTooLow(), run)
    (same,) = alerts_of(LrTooLow(), [replace(s, lr=unit * (s.lr or 0.0)) for s in run])
    assert same.step == alert.step
