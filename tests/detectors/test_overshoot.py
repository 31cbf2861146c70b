import math

import pytest

from lrwatch.detectors.overshoot import Overshoot
from lrwatch.records import Step
from lrwatch.watcher import Watcher
from tests.detectors.streams import alerts_of, brief, loud, noise, power_law, steps


@pytest.mark.parametrize("seed", range(10))
def test_one_high_loss_is_told_at_its_step_and_closed_eight_later(seed: int) -> None:
    losses = noise(200, seed=seed)
    losses[120] = 30.0
    (opened, closed) = alerts_of(Overshoot(), steps(losses))
    assert brief([opened, closed]) == [
        ("overshoot", "warning", 120, "opened"),
        ("overshoot", "info", 128, "closed"),
    ]
    assert opened.value == 30.0
    assert opened.limit is not None
    assert 3.0 < opened.limit < 30.0
    assert (opened.onset, closed.onset) == (120, 120)


@pytest.mark.parametrize("seed", range(10))
def test_the_tail_of_the_noise_is_not_an_overshoot(seed: int) -> None:
    losses = noise(200, seed=seed)
    losses[120] = 3.0 + 0.45
    assert loud(alerts_of(Overshoot(), steps(losses))) == []


def test_a_low_loss_is_not_an_overshoot() -> None:
    losses = noise(200)
    losses[120] = -100.0
    assert alerts_of(Overshoot(), steps(losses)) == []


def test_a_slow_rise_is_not_an_overshoot() -> None:
    losses = [x + 0.01 * i for i, x in enumerate(noise(600))]
    assert alerts_of(Overshoot(), steps(losses)) == []


@pytest.mark.parametrize("n", [1, 5, 10])
def test_the_first_losses_are_only_learned_from(n: int) -> None:
    losses = noise(100)
    losses[n] = 50.0
    assert [a for a in alerts_of(Overshoot(), steps(losses[: n + 1]))] == []


def test_a_jump_after_steep_progress_counts_from_where_it_stands() -> None:
    run = power_law(0)
    losses = [s.loss for s in run]
    losses[30] = 200.0
    first, *_ = alerts_of(Overshoot(), steps(losses))
    assert first.step == 30


def test_jumps_as_high_as_before_are_learned_and_higher_ones_told() -> None:
    losses = noise(400)
    for at, height in ((100, 4.5), (150, 4.6), (200, 4.4), (300, 100.0)):
        losses[at] = height
    told = [a for a in alerts_of(Overshoot(), steps(losses)) if a.state == "opened"]
    assert [a.step for a in told] == [100, 300]


def test_with_zero_spread_any_rise_counts() -> None:
    losses = [1.0] * 100 + [1.0 + 1e-6] + [1.0] * 20
    alerts = alerts_of(Overshoot(), steps(losses))
    assert [(a.step, a.state) for a in alerts] == [(100, "opened"), (108, "closed")]
    assert "more than 10000 times" in alerts[0].message


@pytest.mark.parametrize("hole", [math.nan, math.inf, None])
def test_missing_and_non_finite_losses_are_skipped(hole: float | None) -> None:
    losses: list[float | None] = [x for loss in noise(200) for x in (loss, hole)]
    assert alerts_of(Overshoot(), steps(losses)) == []
    losses[300] = 30.0
    assert [a.step for a in alerts_of(Overshoot(), steps(losses))] == [300, 316]


def test_negative_losses_are_as_good_as_any() -> None:
    losses = noise(200, level=-50.0)
    losses[120] = -20.0
    assert [a.step for a in alerts_of(Overshoot(), steps(losses))] == [120, 128]


def test_a_leap_that_stays_is_said_to_stay() -> None:
    alerts = alerts_of(Overshoot(), steps([*noise(100), *noise(100, level=20.0)]))
    assert alerts[0].step == 100
    assert alerts[-1].state == "closed"
    assert "stays up there" in alerts[-1].message


def test_each_limit_must_be_crossed() -> None:
    losses = [x + 0.03 * i for i, x in enumerate(noise(200))]
    losses[120] += 9.0
    assert loud(alerts_of(Overshoot(), steps(losses))) != []
    assert alerts_of(Overshoot(n_sigmas=1000.0), steps(losses)) == []
    assert alerts_of(Overshoot(n_swings=1000.0), steps(losses)) == []


@pytest.mark.parametrize(("height", "severities"), [(5.0, ["warning"]), (0.4, [])])
def test_in_steep_progress_a_jump_counts_by_the_share_of_the_gain_it_undoes(
    height: float, severities: list[str]
) -> None:
    losses = [10.0 * math.exp(-i / 100) + x for i, x in enumerate(noise(300, sigma=0.02))]
    losses[200] += height
    alerts = alerts_of(Overshoot(), steps(losses))
    assert [a.severity for a in alerts if a.state == "opened"] == severities


@pytest.mark.parametrize(("height", "severity"), [(1.6, "info"), (5.0, "warning")])
def test_a_jump_that_undoes_little_of_a_great_gain_is_an_info_unless_beyond_all_noise(
    height: float, severity: str
) -> None:
    losses = [100.0 * math.exp(-i / 10) + x for i, x in enumerate(noise(900))]
    losses[700] = 3.0 + height
    (opened, _) = alerts_of(Overshoot(), steps(losses))
    assert (opened.step, opened.severity) == (700, severity)


@pytest.mark.parametrize("bad", [0, -1.0, math.nan])
def test_bad_arguments_are_named_with_their_value(bad: float) -> None:
    with pytest.raises(ValueError, match=f"n_sigmas must be > 0, got {bad}"):
        Overshoot(n_sigmas=bad)
    with pytest.raises(ValueError, match=f"n_swings must be > 0, got {bad}"):
        Overshoot(n_swings=bad)


@pytest.mark.parametrize(("n_up", "said"), [(3, "is back at"), (100, "stays up there")])
def test_the_end_says_whether_the_loss_came_back(n_up: int, said: str) -> None:
    losses = [1.0 + 0.01 * (i % 3) + (30.0 if 100 <= i < 100 + n_up else 0.0) for i in range(200)]
    watcher = Watcher(detectors=[Overshoot()])
    alerts = [a for i, x in enumerate(losses) for a in watcher.update(Step(step=i, loss=x))]
    (end,) = [a for a in alerts if a.state == "closed"]
    assert said in end.message


@pytest.mark.parametrize(
    ("height", "next_one", "severities"),
    [
        (14.0, 0.0, ["info"]),
        (14.0, 5.0, ["info", "warning"]),
        (28.0, 0.0, ["warning"]),
        (8.0, 5.0, []),
    ],
)
def test_after_a_jump_one_twice_as_high_must_last_to_be_a_warning(
    height: float, next_one: float, severities: list[str]
) -> None:
    losses = noise(300)
    losses[180] += 7.0
    losses[240] += height
    losses[241] += next_one
    alerts = alerts_of(Overshoot(), steps(losses))
    told = [a.severity for a in alerts if a.step > 200 and a.state != "closed"]
    assert told == severities


def test_a_jump_that_lasts_is_told_by_its_height() -> None:
    losses = noise(300)
    losses[180] += 7.0
    losses[240:242] = [17.0, 8.0]
    raised = next(a for a in alerts_of(Overshoot(), steps(losses)) if a.state == "raised")
    assert (raised.step, raised.onset, raised.value) == (241, 240, 17.0)
    assert raised.message.startswith("loss 17 jumped above 2.996")


def test_a_lower_jump_right_after_does_not_take_its_place() -> None:
    losses = noise(300)
    losses[180] += 7.0
    losses[240:242] = [17.0, 16.5]
    raised = next(a for a in alerts_of(Overshoot(), steps(losses)) if a.state == "raised")
    assert (raised.step, raised.value) == (241, 17.0)


@pytest.mark.parametrize(("at", "severity"), [(20, "info"), (31, "info"), (32, "warning")])
def test_in_the_first_32_losses_a_jump_must_last_to_be_a_warning(at: int, severity: str) -> None:
    losses = noise(100)
    losses[at] = 30.0
    assert alerts_of(Overshoot(), steps(losses))[0].severity == severity
    losses[at + 1] = 20.0
    told = [a.step for a in alerts_of(Overshoot(), steps(losses)) if a.severity == "warning"]
    assert told == [at if severity == "warning" else at + 1]


@pytest.mark.parametrize("seed", range(10))
def test_few_samples_at_the_end_of_each_epoch_are_learned(seed: int) -> None:
    losses = [x + 1.5 * math.exp(-i / 40) for i, x in enumerate(noise(1000, level=0.3, seed=seed))]
    last = noise(1000, level=1.0, sigma=0.3, seed=seed + 50)
    losses = [x + max(last[i], 0.0) if i % 21 == 20 else x for i, x in enumerate(losses)]
    told = loud(alerts_of(Overshoot(), steps(losses)))
    assert [step for _, _, step, _ in told if step > 21] == []


def margins_kept(n: int, **at: float) -> list[float]:
    """A hinge that comes down from 1 to exactly 0, but for the losses at ``s<step>``."""
    losses = [max(0.0, 1.0 - i / 40 + x) for i, x in enumerate(noise(n, level=0.0, sigma=0.05))]
    return [at.get(f"s{i}", loss if i < 60 else 0.0) for i, loss in enumerate(losses)]


@pytest.mark.parametrize("unit", [1.0, 1e-3])
def test_a_batch_that_is_not_solved_among_many_that_are_is_no_jump(unit: float) -> None:
    losses = margins_kept(1200, s700=0.02, s1000=0.1)
    assert alerts_of(Overshoot(), steps([unit * loss for loss in losses])) == []


@pytest.mark.parametrize("height", [0.5, 5.0])
def test_a_jump_out_of_many_solved_batches_is_told(height: float) -> None:
    losses = margins_kept(1200, s700=0.02, s1000=height)
    assert [a.step for a in alerts_of(Overshoot(), steps(losses)) if a.state == "opened"] == [1000]


def test_what_such_batches_rose_to_before_is_no_jump() -> None:
    rises = {f"s{i}": 0.3 for i in (80, 110, 140)}
    losses = margins_kept(2400, **rises, s2300=0.4)
    assert [a.step for a in alerts_of(Overshoot(), steps(losses)) if a.step > 200] == []
