import math

from lrwatch.sinks.allowance import Allowance


def written(allowance: Allowance, *, until_s: float, every_s: float, n_bytes: int = 100) -> int:
    """Bytes of what wants to write ``n_bytes`` again and again."""
    n = 0
    for i in range(int(until_s / every_s)):
        if allowance.has_some(i * every_s):
            allowance.spend([b"x" * n_bytes])
            n += n_bytes
    return n


def test_much_may_be_written_at_once_and_then_as_much_as_comes() -> None:
    assert written(Allowance(1000, per_s=0.0), until_s=10, every_s=0.01) == 1000
    assert 1900 <= written(Allowance(1000, per_s=100.0), until_s=10, every_s=0.01) <= 2100


def test_a_quiet_time_does_not_save_up_more_than_there_was_at_first() -> None:
    allowance = Allowance(1000, per_s=100.0)
    assert allowance.has_some(0.0)
    assert allowance.has_some(3000.0)
    allowance.spend([b"x" * 1000])
    assert not allowance.has_some(3000.0)


def test_what_is_overdrawn_has_to_come_back_first() -> None:
    allowance = Allowance(10, per_s=1.0)
    assert allowance.has_some(0.0)
    allowance.spend([b"x" * 30, b"x" * 10])
    assert not allowance.has_some(29.0)
    assert allowance.has_some(31.0)


def test_with_the_hours_ever_less_comes() -> None:
    per_s, hour_s = 10.0, 3600.0
    day = written(Allowance(1000, per_s=per_s), until_s=24 * hour_s, every_s=5.0)
    expected = 1000 + per_s * hour_s * (1 + math.log(24))
    assert abs(day - expected) < 0.02 * expected


def test_a_clock_that_goes_back_gives_nothing() -> None:
    allowance = Allowance(10, per_s=1.0)
    assert allowance.has_some(100.0)
    allowance.spend([b"x" * 20])
    assert not allowance.has_some(50.0)
    assert not allowance.has_some(105.0)
    assert allowance.has_some(111.0)
