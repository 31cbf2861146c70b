from lrwatch.records import Point, Step
from lrwatch.sinks.thinning import Thinning


def drawn(thinning: Thinning, times: list[float], *, alert_at: int | None = None) -> list[int]:
    """Numbers of the points that are drawn, if one comes at each of ``times``."""
    out = []
    for i, time_s in enumerate(times):
        out += thinning.add([(time_s, Point(step=Step(step=i)))])
        if i == alert_at:
            out += thinning.alert()
    return [point.step.step for _, point in out + thinning.drain()]


def test_a_slow_run_is_drawn_whole() -> None:
    assert drawn(Thinning(), [0.5 * i for i in range(300)]) == list(range(300))


def test_a_fast_run_is_drawn_ten_times_a_second() -> None:
    steps = drawn(Thinning(), [0.001 * i for i in range(10_000)])
    assert len(steps) in range(98, 104)
    assert (steps[0], steps[-1]) == (0, 9999)


def test_uneven_steps_at_ten_a_second_are_nearly_all_drawn() -> None:
    times = [0.1 * i + (0.03 if i % 3 == 1 else 0.0) for i in range(300)]
    assert len(drawn(Thinning(), times)) > 280


def test_every_point_around_an_alert_is_drawn_in_order() -> None:
    steps = drawn(Thinning(), [0.001 * i for i in range(10_000)], alert_at=5000)
    assert set(range(4801, 5051)) <= set(steps)
    assert steps == sorted(set(steps))
    assert len(steps) < 400


def test_the_burst_does_not_silence_what_follows() -> None:
    steps = drawn(Thinning(), [0.001 * i for i in range(10_000)], alert_at=5000)
    assert any(5100 < step < 5300 for step in steps)


def seen(step: int, time_s: float) -> tuple[float, Point]:
    return time_s, Point(step=Step(step=step))


def test_no_point_is_held_for_long() -> None:
    thinning = Thinning(max_delay_s=0.3)
    points = [seen(i, 0.01 * i) for i in range(11)]
    assert thinning.add(points) == points[:1]
    assert thinning.expire(0.3) == []
    assert thinning.expire(0.41) == points[10:]


def test_a_point_that_is_due_is_not_held_where_none_lies_before_it() -> None:
    thinning = Thinning()
    for i in range(5):
        assert thinning.add([seen(i, 0.1 * i)]) == [seen(i, 0.1 * i)]
        assert not thinning.holds_some


def test_a_day_of_fast_steps_stays_some_tens_of_megabytes() -> None:
    steps = drawn(Thinning(), [0.8 * i for i in range(108_000)])
    assert 70_000 < len(steps) < 80_000
