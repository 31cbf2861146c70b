"""The file that disarms: seen soon, looked for seldom, and only if it is this run's."""

import os
from pathlib import Path

from lrwatch.control.disarm_file import EVERY_S, DisarmFile


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def touched(path: Path, ns: int) -> None:
    path.touch()
    os.utime(path, ns=(ns, ns))


def test_file_that_appears_is_seen_at_the_next_slow_step(tmp_path: Path) -> None:
    clock = Clock()
    flag = DisarmFile(tmp_path / "disarm", clock=clock)
    assert not flag.appeared()
    (tmp_path / "disarm").touch()
    clock.now += EVERY_S
    assert flag.appeared()


def test_fast_steps_look_once_in_a_fifth_of_a_second(tmp_path: Path) -> None:
    clock = Clock()
    flag = DisarmFile(tmp_path / "disarm", clock=clock)
    assert not flag.appeared()
    (tmp_path / "disarm").touch()
    seen = []
    for _ in range(30):
        clock.now += EVERY_S / 20
        seen.append(flag.appeared())
    assert seen.index(True) in (19, 20)
    assert sum(seen) == 1


def test_file_of_an_earlier_run_says_nothing(tmp_path: Path) -> None:
    path, clock = tmp_path / "disarm", Clock()
    touched(path, 10**18)
    flag = DisarmFile(path, clock=clock)
    assert not flag.appeared()
    clock.now += 1.0
    assert not flag.appeared()


def test_stale_file_that_is_touched_again_counts(tmp_path: Path) -> None:
    path, clock = tmp_path / "disarm", Clock()
    touched(path, 10**18)
    flag = DisarmFile(path, clock=clock)
    touched(path, 10**18 + 1)
    assert flag.appeared()


def test_without_a_run_directory_there_is_nothing_to_see() -> None:
    assert not DisarmFile(None).appeared()
