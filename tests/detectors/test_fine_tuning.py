"""A pretrained model that loses what it knew: advice names the rate for training from scratch."""

import math
import random

import pytest

from lrwatch import Step, Watcher
from lrwatch.detectors.fine_tuning import ADVICE


def forgetting(n: int = 120, top: float = 3.0) -> list[float]:
    """Starts low, leaps within ten steps, and comes down slowly."""
    noise = random.Random(0)
    losses = [0.3 + 0.02 * noise.gauss(0, 1) for _ in range(10)]
    fall = [top * math.exp(-i / 200) * (1 + 0.05 * noise.gauss(0, 1)) for i in range(n)]
    return losses + fall


def advice(losses: list[float], *, pretrained: bool) -> list[str]:
    watcher = Watcher(pretrained=pretrained)
    for i, loss in enumerate(losses):
        norm = 1.0 if i < 10 else 20.0 * math.exp(-i / 100)
        watcher.update(Step(step=i, loss=loss, grad_norm=norm, lr=0.01))
    return [alert.advice for alert in watcher.alerts if alert.severity != "info"]


def test_a_pretrained_model_that_leaps_is_told_of_fine_tuning() -> None:
    assert advice(forgetting(), pretrained=True)[0] == ADVICE


def test_a_leap_in_the_first_eight_steps_is_one_too() -> None:
    assert ADVICE in advice(forgetting()[8:], pretrained=True)


def test_a_spike_after_the_model_got_better_is_none() -> None:
    better = [1.0 - 0.005 * i + 0.01 * (i % 3) for i in range(150)]
    told = advice([*better, 30.0, *better[-20:]], pretrained=True)
    assert told
    assert ADVICE not in told


def test_the_same_curve_from_random_weights_is_not() -> None:
    told = advice(forgetting(), pretrained=False)
    assert told
    assert ADVICE not in told


def test_a_pretrained_model_that_only_turns_nan_did_not_leap() -> None:
    flat = [0.3 + 0.001 * (i % 3) for i in range(40)]
    told = advice([*flat, math.nan, math.nan], pretrained=True)
    assert told
    assert ADVICE not in told


@pytest.mark.parametrize("top", [0.3, 0.25])
def test_a_healthy_fine_tuning_is_told_nothing(top: float) -> None:
    watcher = Watcher(pretrained=True)
    for i, loss in enumerate(forgetting(top=top)):
        watcher.update(Step(step=i, loss=loss, grad_norm=1.0, lr=0.001))
    assert [alert for alert in watcher.alerts if alert.severity != "info"] == []


def test_the_evidence_names_the_tenth_that_the_advice_does() -> None:
    watcher = Watcher(pretrained=True)
    for i, loss in enumerate(forgetting()):
        norm = 1.0 if i < 10 else 20.0 * math.exp(-i / 100)
        watcher.update(Step(step=i, loss=loss, grad_norm=norm, lr=0.01))
    told = [alert.evidence for alert in watcher.alerts if "lr_to_try" in alert.evidence]
    assert told
    assert {found["lr_to_try"] for found in told} == {0.001}
