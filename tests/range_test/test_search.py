"""The search on losses whose best rate is known."""

import math
import random

import pytest

from lrwatch.range_test.search import Run, search
from lrwatch.range_test.settings import Settings
from lrwatch.range_test.stepper import Stepper
from tests.range_test.streams import found, quadratic

FACTOR = Settings().horizon_factor


@pytest.mark.parametrize("best", [1e-5, 3e-4, 0.02, 1.0, 17.0])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_best_rate_of_short_runs_is_found(best: float, noise: float) -> None:
    answer = found(quadratic(best, noise=noise))
    assert answer.high == pytest.approx(best, rel=0.35)
    low, lr, high = (x or math.nan for x in (answer.low, answer.lr, answer.high))
    assert lr == pytest.approx(FACTOR * high, rel=0.1)
    assert low < lr < high


@pytest.mark.parametrize("seed", range(5))
def test_noise_that_is_not_shared_by_runs_is_survived(seed: int) -> None:
    def losses(run: Run) -> list[float]:
        rng = random.Random(f"{seed}{run.kind}{run.lrs}")
        clean = quadratic(0.02)(run)
        return [x + rng.gauss(0, 0.1) for x in clean]

    answer = found(losses, Settings(trial_steps=100), paired=False)
    # from 0.003 to 0.07 a hundred steps leave less loss than noise
    assert answer.high is not None
    assert 0.002 < answer.high < 0.08


@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 0.0), (1.0, -100.0), (1e6, 3.0)])
def test_the_unit_of_the_loss_does_not_matter(scale: float, shift: float) -> None:
    plain = found(quadratic(0.02, noise=0.1))
    other = found(quadratic(0.02, noise=0.1, scale=scale, shift=shift))
    assert other.lr == plain.lr


def easy_then_slow(run: Run) -> list[float]:
    """What is easy is learnt at once, best at 0.002; the rest after 80 steps, best at 0.05."""
    easy, slow, found = 1.0, 4.0, []
    for i, lr in enumerate(run.lrs):
        off = math.log10(lr / 0.002) if lr else 0.0
        found.append(easy + slow + (0.01 * off * off if lr > 1e-3 else 0.0))
        easy *= 1.0 - min(300.0 * lr, 0.5)
        if i > 80:
            slow *= 1.0 - 0.1 * lr / 0.05 * math.exp(1 - lr / 0.05)
        slow *= 1.5 if lr > 0.4 else 1.0
        if run.is_over(found):
            break
    return found


def test_where_a_rate_far_above_learns_as_much_the_trials_are_made_longer() -> None:
    short = Settings(trial_steps=50)
    answer = found(easy_then_slow, short)
    assert {trial.n_steps for trial in answer.trials if trial.gain > 0} == {200}
    assert answer.high == pytest.approx(0.05, rel=0.4)
    patient = found(easy_then_slow, Settings(trial_steps=200))
    assert patient.high == pytest.approx(answer.high, rel=0.1)


def test_a_flat_curve_supports_no_rate() -> None:
    answer = found(lambda run: [1.0] * len(run.lrs))
    assert (answer.lr, answer.low, answer.high) == (None, None, None)
    assert "flat" in answer.reason


def test_noise_alone_supports_no_rate() -> None:
    rng = random.Random(0)
    answer = found(lambda run: [rng.gauss(0, 1) for _ in run.lrs])
    assert answer.lr is None
    assert "noise only" in answer.reason


def test_a_loss_that_rises_at_every_rate_supports_none_and_its_sign_is_asked_for() -> None:
    answer = found(quadratic(0.02, scale=-1.0, noise=0.01))
    assert answer.lr is None
    assert "falls at no rate" in answer.reason
    assert "sign" in answer.reason


def test_a_loss_that_is_never_finite_supports_no_rate() -> None:
    answer = found(lambda run: [math.nan])
    assert answer.lr is None
    assert "not finite before any step" in answer.reason


def test_a_loss_that_leaves_within_the_first_steps_is_looked_at_from_lower_rates() -> None:
    answer = found(quadratic(1e-8))
    assert answer.ramp.lrs[0] == pytest.approx(1e-10)
    assert answer.high == pytest.approx(1e-8, rel=0.35)


def test_a_loss_that_leaves_at_once_from_any_rate_is_too_short_a_curve() -> None:
    def losses(run: Run) -> list[float]:
        return [1.0, math.nan] if run.kind == "ramp" else [1.0] * len(run.lrs)

    answer = found(losses)
    assert answer.lr is None
    assert "too short" in answer.reason


def test_where_every_trial_breaks_off_there_is_no_rate() -> None:
    def losses(run: Run) -> list[float]:
        return [1.0, math.nan] if run.kind == "trial" else quadratic(0.02)(run)

    answer = found(losses)
    assert answer.lr is None
    assert "leaves at every rate" in answer.reason


def test_a_rate_without_an_upper_end_is_not_suggested() -> None:
    def losses(run: Run) -> list[float]:
        value, kept = 1.0, []
        for lr in run.lrs:
            kept.append(value)
            value -= 1e-4 * math.log1p(lr)
        return kept

    answer = found(losses, Settings(max_trials=5))
    assert answer.lr is None
    assert "highest rate tried" in answer.reason


def test_the_ramp_alone_is_judged_on_request() -> None:
    answer = found(quadratic(0.02, noise=0.1), Settings(n_steps=200, trial_steps=0))
    assert answer.trials == ()
    assert answer.lr is not None
    assert 0.002 < answer.lr < 0.04


@pytest.mark.parametrize(
    ("losses", "word"),
    [(quadratic(0.02, scale=-1.0), "never falls below its noise"), (lambda r: [1.0] * 100, "flat")],
)
def test_a_ramp_alone_that_never_falls_supports_no_rate(losses: object, word: str) -> None:
    answer = found(losses, Settings(trial_steps=0))  # type: ignore[arg-type]
    assert answer.lr is None
    assert word in answer.reason


def test_what_short_trials_cannot_tell_is_tried_four_times_as_long() -> None:
    def slow(run: Run) -> list[float]:
        best = quadratic(0.02)
        clean = best(Run(run.kind, run.lrs, run.is_over))
        late = [2.0 + 1.0 if i < 60 else x for i, x in enumerate(clean)]
        return late if run.kind == "trial" else [3.0 + (lr > 0.1) * 9 for lr in run.lrs]

    lengths = set()

    def seen(run: Run) -> list[float]:
        lengths.add((run.kind, len(run.lrs)))
        return slow(run)

    found(seen)
    assert ("trial", 200) in lengths


def test_a_longer_run_takes_a_lower_rate() -> None:
    rates = [found(quadratic(0.02), Settings(total_steps=n)).lr for n in (50, 500, 5000)]
    assert rates == sorted(rates, reverse=True)  # type: ignore[type-var]
    assert len(set(rates)) == 3


def test_the_peak_of_a_decay_is_twice_a_constant_rate() -> None:
    constant, peak = (found(quadratic(0.02), Settings(decays=decays)) for decays in (False, True))
    assert peak.lr == pytest.approx(2 * (constant.lr or math.nan), rel=0.1)
    assert peak.lr <= peak.high  # type: ignore[operator]


def test_a_collapse_to_a_constant_at_high_rates_is_not_taken_for_the_best() -> None:
    def losses(run: Run) -> list[float]:
        kept = quadratic(0.02)(Run(run.kind, run.lrs, lambda seen: False))
        return [1.9 if lr > 1 else min(x, 6.0) for x, lr in zip(kept, run.lrs, strict=True)]

    answer = found(losses)
    assert answer.high == pytest.approx(0.02, rel=0.5)


@pytest.mark.parametrize(
    ("n_steps", "words"),
    [(30, None), (110, None), (190, "no trials were made"), (10_000, "learn fastest")],
)
def test_where_steps_run_out_what_there_is_by_then_is_judged(
    n_steps: int, words: str | None
) -> None:
    losses, n_made = quadratic(0.02), 0
    stepper = Stepper(search(Settings()))
    while stepper.finding is None and n_made < n_steps:
        run = stepper.run
        for loss in losses(run):
            n_made += 1
            if stepper.observe(loss) != "step" or n_made == n_steps:
                break
    answer = stepper.end()
    assert (answer is None) == (words is None)
    assert answer is None or (answer.lr is not None and str(words) in answer.reason)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("start_lr", 0.0),
        ("start_lr", math.inf),
        ("end_lr", 1e-6),
        ("n_steps", 19),
        ("trial_steps", 19),
        ("max_trials", 2),
        ("total_steps", 0),
    ],
)
def test_a_bad_setting_is_named_with_its_value(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be .*, got {value}"):
        Settings(**{name: value})  # type: ignore[arg-type]
