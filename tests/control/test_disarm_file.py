"""The file that disarms: seen soon, looked for seldom, and only if it is this run's."""

import os
from pathlib import Path

from lrwatch.control.disarm_file import N_LOOKS, SHARE, DisarmFile


class Clock:
    """Goes on by ``tick`` seconds whenever it is read: that is how long a look takes."""

    def __init__(self, tick: float = 0.0) -> None:
        self.now, self.tick = 100.0, tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


def touched(path: Path, ns: int) -> None:
    path.touch()
    os.utime(path, ns=(ns, ns))


def test_file_that_appears_is_seen_at_the_next_step(tmp_path: Path) -> None:
    flag = DisarmFile(tmp_path / "disarm", clock=Clock())
    assert not flag.appeared()
    (tmp_path / "disarm").touch()
    assert flag.appeared()


def test_look_that_takes_long_is_due_after_two_hundred_times_as_long(tmp_path: Path) -> None:
    clock = Clock(tick=0.01)
    flag = DisarmFile(tmp_path / "disarm", clock=clock)
    for _ in range(N_LOOKS):
        assert not flag.appeared()
    (tmp_path / "disarm").touch()
    looked_at = clock.now
    while not flag.appeared():
        assert clock.now < looked_at + 0.01 / SHARE + 0.05
    assert clock.now > looked_at + 0.01 / SHARE


def test_few_looks_that_took_long_do_not_put_the_next_off(tmp_path: Path) -> None:
    flag = DisarmFile(tmp_path / "disarm", clock=Clock(tick=0.01))
    for _ in range(N_LOOKS - 1):
        assert not flag.appeared()
    (tmp_path / "disarm").touch()
    assert flag.appeared()


def test_one_look_that_took_no_time_shows_the_disk_is_near(tmp_path: Path) -> None:
    clock = Clock()
    flag = DisarmFile(tmp_path / "disarm", clock=clock)
    assert not flag.appeared()
    clock.tick = 0.01
    for _ in range(2 * N_LOOKS):
        assert not flag.appeared()
    (tmp_path / "disarm").touch()
    assert flag.appeared()


def test_file_of_an_earlier_run_says_nothing(tmp_path: Path) -> None:
    path, clock = tmp_path / "disarm", Clock()
    touched(path, 10**18)
    flag = DisarmFile(path, clock=clock)
    assert not flag.appeared()
    assert not flag.appeared()


def test_stale_file_that_is_touched_again_counts(tmp_path: Path) -> None:
    path, clock = tmp_path / "disarm", Clock()
    touched(path, 10**18)
    flag = DisarmFile(path, clock=clock)
    touched(path, 10**18 + 1)
    assert flag.appeared()


def test_without_a_run_directory_there_is_nothing_to_see() -> None:
    assert not DisarmFile(None).appeared()
