import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from lrwatch.loop.judgement.judge import Judge
from lrwatch.loop.judgement.telling import Telling
from lrwatch.loop.sample import Sample
from lrwatch.records import Alert, Point, Step
from lrwatch.sinks.history import read_ledger
from lrwatch.sinks.run_directory import RunDirectory
from lrwatch.sinks.verdict_file import read_standing
from lrwatch.watcher import Watcher
from tests.loop.training import Told


class Directory(RunDirectory):
    """Keeps in what portions it was handed points, and what alerts lie between them."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.portions: list[list[int] | str] = []

    def write_points(self, points: Sequence[Point]) -> None:
        self.portions.append([point.step.step for point in points])
        super().write_points(points)

    def write_alert(self, alert: Alert) -> None:
        self.portions.append(alert.kind)
        super().write_alert(alert)


def point(step: int) -> Point:
    return Point(step=Step(step=step, loss=1.0))


def alert(step: int) -> Alert:
    return Alert(
        kind="lr_too_high",
        severity="warning",
        verdict="too_high",
        step=step,
        onset=0,
        message="the loss rose",
    )


def portions(tmp_path: Path, batch_s: float, n: int) -> list[int]:
    """How many points were handed over each time, of batches of one point so far apart."""
    directory = Directory(tmp_path)
    telling = Telling(Watcher(), [directory])
    for i in range(n):
        telling.point(point(i))
        telling.turn(i * batch_s, all_of_it=False)
    telling.close()
    return [len(portion) for portion in directory.portions]


def test_points_of_short_batches_are_handed_over_together_and_none_waits_for_long(
    tmp_path: Path,
) -> None:
    assert portions(tmp_path / "short", 0.07, 33) == [1, 10, 10, 10, 2]
    assert portions(tmp_path / "longer", 0.4, 4) == [1, 1, 1, 1]


def test_an_alert_comes_after_the_points_before_it(tmp_path: Path) -> None:
    directory, told = Directory(tmp_path), Told()
    telling = Telling(Watcher(), [directory, told])
    for i in range(3):
        telling.point(point(i))
    telling.alert(alert(2))
    assert directory.portions == [[0, 1, 2], "lr_too_high"]
    assert (told.steps[-1].step, len(told.alerts)) == (2, 1)
    assert [record.step for record in read_ledger(tmp_path / "lrwatch" / "alerts.jsonl")] == [2]
    telling.close()


def test_after_an_alert_the_verdict_is_not_waited_for(tmp_path: Path) -> None:
    telling = Telling(Watcher(), [RunDirectory(tmp_path)])
    for i in range(5):
        telling.point(point(i))
        if i == 3:
            telling.alert(alert(3))
        telling.turn(0.01 * i, all_of_it=False)
    end_s = time.monotonic() + 300.0
    while (standing := read_standing(tmp_path / "lrwatch")) is None or standing.step < 3:
        assert time.monotonic() < end_s
    telling.close()
    assert standing.step == 3


@pytest.mark.parametrize(
    ("step_s", "batch"), [(0.001, 128), (0.021, 37), (0.3, 4), (0.45, 3), (0.8, 2), (2.0, 1)]
)
def test_no_step_waits_for_a_second_to_be_judged(
    monkeypatch: pytest.MonkeyPatch, step_s: float, batch: int
) -> None:
    now_s = 100.0
    monkeypatch.setattr(time, "perf_counter", lambda: now_s)
    told = Told()
    judge = Judge(Watcher(), [told])
    n_judged = []
    for i in range(1000):
        now_s += step_s
        judge.take(Sample(i, now_s, 1.0, None, (0.1,)))
        n_judged.append(len(told.points))
    sizes = {b - a for a, b in pairwise(n_judged[500:])} - {0}
    assert sizes == {batch}
    assert (batch - 1) * step_s < 1.0
