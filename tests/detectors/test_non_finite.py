import math

import pytest

from lrwatch.detectors.non_finite import NonFinite
from lrwatch.records import Alert, Step
from tests.detectors.streams import alerts_of, brief, noise, steps

BAD = [math.nan, math.inf, -math.inf]


def told(losses: list[float | None]) -> list[Alert]:
    return alerts_of(NonFinite(), steps(losses))


@pytest.mark.parametrize("bad", BAD)
def test_the_first_bad_loss_is_told_at_once_and_closed_after_16_good_ones(bad: float) -> None:
    alerts = told([*noise(20), bad, *noise(30)])
    assert brief(alerts) == [
        ("non_finite", "warning", 20, "opened"),
        ("non_finite", "info", 36, "closed"),
    ]


@pytest.mark.parametrize("bad", BAD)
def test_three_in_a_row_are_critical(bad: float) -> None:
    alerts = told([*noise(20), *[bad] * 40])
    assert brief(alerts) == [
        ("non_finite", "warning", 20, "opened"),
        ("non_finite", "critical", 22, "raised"),
    ]
    assert {a.onset for a in alerts} == {20}
    assert alerts[1].message.startswith("loss not finite for 3 steps, last finite loss 2.8")


def test_bad_losses_with_good_ones_between_do_not_last() -> None:
    alerts = told([*noise(20), *[math.nan, math.nan, 3.0] * 20])
    assert [a.severity for a in alerts] == ["warning"]


def test_a_finite_loss_beside_a_bad_norm_ends_the_row() -> None:
    bad, norm = Step(step=0, loss=math.nan), Step(step=1, loss=1.0, grad_norm=math.inf)
    alerts = alerts_of(NonFinite(), [bad, bad, norm, bad, bad])
    assert [a.severity for a in alerts] == ["warning"]


def test_a_first_loss_that_is_nan_is_judged_like_any_other() -> None:
    (alert,) = told([math.nan])
    assert (alert.step, alert.verdict) == (0, None)
    assert alert.message == "loss is not finite, from the first step on"
    assert alert.evidence["last_finite_loss"] is None


def test_missing_losses_are_neither_trouble_nor_recovery() -> None:
    assert told([*noise(20), *[None] * 40]) == []
    alerts = told([*noise(20), math.nan, *[None] * 40])
    assert [a.state for a in alerts] == ["opened"]


def test_a_blow_up_before_it_broke_says_that_the_rate_is_too_high() -> None:
    losses = [*noise(20), 10.0, 100.0, 1e4, math.inf]
    (alert,) = alerts_of(NonFinite(), steps(losses, None, [0.3] * len(losses)))
    assert alert.verdict == "too_high"
    assert alert.advice.startswith("start again with a hundredth of the rate")
    assert alert.advice.endswith("(now 0.3, so 0.003 or 0.001)")
    assert alert.evidence["lr_to_try"] == pytest.approx(0.003)


def test_a_run_that_went_well_for_long_goes_back_and_on() -> None:
    alerts = told([*noise(40), 10.0, 100.0, 1e4, math.inf])
    assert "checkpoint from before the rise and train on with a third" in alerts[0].advice
    assert "lr_to_try" not in alerts[0].evidence


def test_a_norm_that_had_grown_a_hundredfold_says_so_too() -> None:
    run = steps([*noise(20), math.nan], [*[1.0] * 19, 150.0, None])
    assert [a.verdict for a in alerts_of(NonFinite(), run)] == ["too_high"]
    run = steps([*noise(20), math.nan], [*[1.0] * 19, 50.0, None])
    assert [a.verdict for a in alerts_of(NonFinite(), run)] == [None]


def test_a_nan_out_of_the_blue_says_nothing_of_the_rate() -> None:
    alerts = told([*noise(20), math.nan])
    assert [a.verdict for a in alerts] == [None]
    assert "batch" in alerts[0].advice


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_norm_beside_a_finite_loss_is_an_info(bad: float) -> None:
    run = steps(noise(40), [1.0] * 20 + [bad] + [1.0] * 19)
    assert brief(alerts_of(NonFinite(), run)) == [
        ("non_finite", "info", 20, "opened"),
        ("non_finite", "info", 36, "closed"),
    ]


def test_a_bad_loss_raises_the_info_about_the_norm() -> None:
    run = [Step(step=0, loss=1.0, grad_norm=math.nan), Step(step=1, loss=math.nan)]
    assert [a.state for a in alerts_of(NonFinite(), run)] == ["opened", "raised"]


def test_steps_that_the_scaler_skipped_do_not_count() -> None:
    run = [Step(step=i, loss=math.inf, grad_norm=math.nan, skipped=True) for i in range(20)]
    assert alerts_of(NonFinite(), run) == []


def test_a_finite_blow_up_is_none_of_its_business() -> None:
    assert told([10.0**i for i in range(300)]) == []


@pytest.mark.parametrize(
    ("n_before", "norm", "side"),
    [
        (1, 5.0, "too_high"),
        (3, 5.0, "too_high"),
        (4, 5.0, None),
        (1, math.nan, None),
        (1, None, None),
    ],
)
def test_one_of_the_first_updates_broke_the_weights_if_its_gradient_was_finite(
    n_before: int, norm: float | None, side: str | None
) -> None:
    losses = [*noise(n_before), *[math.nan] * 4]
    alerts = alerts_of(NonFinite(), steps(losses, [norm] * n_before + [math.nan] * 4))
    raised = [a for a in alerts if a.severity == "critical"]
    assert [a.verdict for a in raised] == [side]
    assert alerts[0].verdict is None


@pytest.mark.parametrize(
    ("losses", "norms", "side"),
    [
        ([157.0, 5e23], [94.0, math.inf], "too_high"),
        ([157.0, 160.0], [94.0, math.inf], None),
        ([157.0, 5e23], [math.inf, math.inf], None),
        ([-2.0, 3e3], [1.0, math.nan], "too_high"),
    ],
)
def test_an_update_that_threw_the_loss_far_off_broke_the_weights(
    losses: list[float], norms: list[float], side: str | None
) -> None:
    run = steps([*losses, *[math.nan] * 4], [*norms, *[math.nan] * 4])
    raised = [a for a in alerts_of(NonFinite(), run) if a.severity == "critical"]
    assert [a.verdict for a in raised] == [side]


def zeros(norm: float) -> list[Step]:
    """A Trainer of Transformers that leaves NaN losses out of the mean it writes."""
    before = [Step(step=i, loss=loss, grad_norm=1.0) for i, loss in enumerate(noise(20))]
    return [*before, *(Step(step=20 + i, loss=0.0, grad_norm=norm) for i in range(5))]


@pytest.mark.parametrize("bad", BAD)
def test_a_loss_of_exactly_zero_with_a_bad_norm_is_a_nan_that_was_left_out(bad: float) -> None:
    alerts = alerts_of(NonFinite(), zeros(bad))
    assert brief(alerts) == [
        ("non_finite", "warning", 20, "opened"),
        ("non_finite", "critical", 22, "raised"),
    ]
    words = "loss 0 with a gradient norm that is not finite for 3 steps"
    assert (alerts[1].message, alerts[1].evidence["last_finite_loss"]) == (words, None)


def test_a_loss_of_exactly_zero_with_a_good_norm_is_none() -> None:
    assert alerts_of(NonFinite(), zeros(1e-9)) == []
