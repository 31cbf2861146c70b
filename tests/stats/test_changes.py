"""A rise in one step out of a calm run is told from one that an update made."""

import math
import random

import pytest

from lrwatch.records import Step
from lrwatch.stats.signals import Signals

AT = 100
UP = 5.0


def level_after(
    *,
    up: list[float],
    norm_before: float = 1.0,
    rate_before: float = 0.1,
    has_norms: bool = True,
    begin: int = 0,
) -> float:
    """The level that is remembered after a loss of about 1 went up by ``up`` from step 100 on."""
    rng = random.Random(0)
    signals = Signals()
    for i in range(begin, AT + len(up)):
        rise = up[i - AT] if i >= AT else 0.0
        norm = math.exp(rng.gauss(0, 0.1)) * (norm_before if i == AT - 1 else 1.0)
        signals.update(
            Step(
                step=i,
                loss=1.0 + rise + rng.gauss(0, 0.05),
                grad_norm=norm if has_norms else None,
                lr=rate_before if i == AT - 1 else 0.1,
            )
        )
        signals.learn()
    return signals.changes.level


def test_a_rise_in_one_step_that_lasts_is_a_change_to_the_level_after_it() -> None:
    assert level_after(up=[UP] * 8) == pytest.approx(1.0 + UP, abs=0.1)
    assert math.isnan(level_after(up=[UP] * 7))


def test_one_that_is_over_soon_is_none() -> None:
    assert math.isnan(level_after(up=[UP] * 5 + [0.0] * 40))


def test_the_last_change_counts() -> None:
    assert level_after(up=[UP] * 60 + [4 * UP] * 8) == pytest.approx(1.0 + 4 * UP, abs=0.1)


@pytest.mark.parametrize(
    "by_the_update",
    [
        {"norm_before": 5.0},
        {"rate_before": 0.3},
        {"has_norms": False},
        {"begin": AT - 20},
    ],
    ids=["unusual_gradient", "raised_rate", "norm_unknown", "not_calm_for_long"],
)
def test_one_that_the_update_may_have_made_is_none(by_the_update: dict[str, float]) -> None:
    assert math.isnan(level_after(up=[UP] * 20, **by_the_update))  # type: ignore[arg-type]


def test_one_that_swung_up_is_none() -> None:
    assert math.isnan(level_after(up=[UP, 0.0, 0.0, UP, 0.0, UP, UP, *[UP] * 20]))


def test_it_goes_on_where_it_was_after_a_restart() -> None:
    first, second = Signals(), Signals()
    for i in range(AT + 3):
        rise = UP if i >= AT else 0.0
        first.update(Step(step=i, loss=1.0 + rise + 0.01 * (i % 7), grad_norm=1.0, lr=0.1))
        first.learn()
    second.load_state_dict(first.state_dict())
    for i in range(AT + 3, AT + 8):
        for each in (first, second):
            each.update(Step(step=i, loss=1.0 + UP, grad_norm=1.0, lr=0.1))
            each.learn()
    assert second.changes.level == first.changes.level > UP
