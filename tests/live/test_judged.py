"""A log is judged as it grows: in the end as one that is over, and no alert is told twice."""

import math
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lrwatch.live.fleet import Fleet
from lrwatch.live.judged import JudgedLog
from lrwatch.live.pulse import Pulse
from lrwatch.live.series import Series
from lrwatch.readers.reading import read
from lrwatch.records import Alert
from lrwatch.reviewing.judging import judge
from lrwatch.sinks.ledger_line import Entry

Rows = list[tuple[int, float]]
LOSSES = [2.0 ** -(i // 50) if i < 300 else 2.0 ** ((i - 300) // 10) for i in range(500)]


def table(losses: list[float], first: int = 0) -> str:
    return "".join(f"{i},{loss}\n" for i, loss in enumerate(losses, first))


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def alerts(entries: Iterator[Entry] | list[Entry]) -> list[Alert]:
    return [entry.record for entry in entries if isinstance(entry.record, Alert)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.csv"


@pytest.fixture
def log(path: Path) -> Iterator[JudgedLog]:
    path.write_text("step,loss\n")
    found = JudgedLog(path, {})
    yield found
    found.close()


@pytest.mark.parametrize("n_rows", [1, 13, 500])
def test_alerts_and_verdict_are_those_of_the_whole(path: Path, log: JudgedLog, n_rows: int) -> None:
    found: list[Entry] = []
    for first in range(0, len(LOSSES), n_rows):
        append(path, table(LOSSES[first : first + n_rows], first))
        found += log.poll(0.0)
    found += log.settle()
    judged = judge(read(path))
    assert alerts(found) == list(judged.alerts)
    assert (log.verdict, log.measures.n_steps) == (judged.verdict, judged.n_steps)
    assert judged.alerts


def test_what_came_later_bears_the_time_at_which_it_was_read(path: Path, log: JudgedLog) -> None:
    append(path, table([*LOSSES[:100], math.nan, 1.0]))
    (first,) = log.poll(5.0)
    assert math.isnan(first.time)
    assert first.raw["time"] is None
    append(path, table([math.nan] * 300, 200))
    found = list(log.poll(7.0))
    assert {entry.time for entry in found} == {7.0}
    assert found[0].raw["type"] == "alert"


def test_the_last_step_is_judged_when_nothing_comes_for_a_while(path: Path, log: JudgedLog) -> None:
    append(path, table([*LOSSES[:100], math.nan]))
    assert [list(log.poll(now)) for now in (0.0, 1.0)] == [[], []]
    assert [alert.kind for alert in alerts(log.poll(2.5))] == ["non_finite"]
    assert list(log.poll(9.0)) == []


def test_a_log_that_is_written_anew_repeats_no_alert(path: Path, log: JudgedLog) -> None:
    append(path, table(LOSSES))
    before = alerts(log.poll(0.0))
    path.write_text("step,loss,lr\n" + table(LOSSES).replace("\n", ",0.1\n"))
    found = list(log.poll(1.0))
    assert before
    assert found == []
    assert (log.notice, log.measures.lr.last) == ("", 0.1)


def test_another_run_in_the_same_file_is_judged_afresh(path: Path, log: JudgedLog) -> None:
    append(path, table([*LOSSES[:100], math.nan, 1.0]))
    assert [alert.onset for alert in alerts(log.poll(0.0))] == [100]
    path.write_text("step,loss\n" + table([0.5 * x for x in LOSSES[:100]] + [math.nan, 1.0]))
    assert [alert.onset for alert in alerts(log.poll(0.0))] == [100]
    assert "begins anew" in log.notice


def test_a_series_keeps_the_shape_of_a_run_of_any_length() -> None:
    series = Series()
    for i in range(100_000):
        series.add(float(i))
    cells = series.cells(10)
    assert (series.low, series.high, series.last, len(cells)) == (0.0, 99_999.0, 99_999.0, 10)
    wanted = [10_000.0 * i + 5_000 for i in range(10)]
    assert cells == pytest.approx(wanted, rel=0.3)
    assert [type(cell) for cell in cells] == [float] * 10
    assert sum(x is not None for x in series.cells(10_000)) < 1100


def test_a_series_marks_what_is_not_finite_and_learns_nothing_from_it() -> None:
    series = Series()
    for value in (1.0, math.inf, 3.0, math.nan):
        series.add(value)
    first, second, third, fourth = series.cells(4)
    assert (first, third, series.low, series.high, series.n_bad) == (1.0, 3.0, 1.0, 3.0, 2)
    assert second is not None
    assert fourth is not None
    assert math.isnan(second)
    assert math.isnan(fourth)


def test_a_series_of_nothing_has_no_cells() -> None:
    assert Series().cells(10) == []


def test_the_pulse_goes_by_the_clock_of_the_steps() -> None:
    pulse = Pulse()
    assert (pulse.steps_per_s, pulse.age_s(9.0), pulse.is_stale(9.0)) == (None, None, False)
    for i in range(100):
        pulse.step(10 * i, 100.0 + 0.5 * i)
    assert pulse.steps_per_s == pytest.approx(20.0)
    assert pulse.age_s(150.5) == pytest.approx(1.0)


def test_a_run_that_was_resumed_is_not_slower_than_it_is() -> None:
    pulse = Pulse()
    for step, time_s in ((100, 0.0), (101, 1.0), (50, 900.0), (51, 901.0), (52, 902.0)):
        pulse.step(step, time_s)
    assert pulse.steps_per_s == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("gap_s", "age_s", "is_stale"),
    [(1, 9, False), (1, 11, True), (60, 290, False), (60, 310, True)],
)
def test_stale_is_five_gaps_and_ten_seconds_at_least(
    gap_s: float, age_s: float, is_stale: bool
) -> None:
    pulse = Pulse()
    for i in range(20):
        pulse.arrived(i, i * gap_s, has_times=False)
    assert pulse.is_stale(19 * gap_s + age_s) is is_stale


def test_what_was_there_at_the_beginning_is_as_old_as_its_file() -> None:
    pulse = Pulse()
    pulse.seen_before(100.0)
    assert pulse.age_s(200.0) == 100.0
    assert (pulse.is_stale(200.0), pulse.is_stale(300.0)) == (False, True)


def test_a_fleet_takes_in_the_runs_that_begin_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.live.fleet._LOOK_S", 0.0)
    with closing(Fleet([tmp_path], {})) as fleet:
        assert list(fleet.poll(0.0, budget_s=9.0)) == []
        assert [glance.name for glance in fleet.glances(0.0)] == [tmp_path.name]
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "log.csv").write_text("step,loss\n" + table([1.0, math.nan, 1.0]))
            list(fleet.poll(0.0, budget_s=9.0))
        found = [(glance.name, glance.step) for glance in fleet.glances(0.0)]
    assert found == [("a/log.csv", 1), ("b/log.csv", 1)]


def test_one_run_that_shows_a_defect_of_ours_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(line: str) -> dict[str, float]:
        raise RuntimeError("of ours")

    monkeypatch.setattr("lrwatch.readers.kinds.textlog.pairs", fails)
    (tmp_path / "a.log").write_text("step 1 loss 2\n" * 9)
    (tmp_path / "b.csv").write_text("step,loss\n" + table([1.0] * 9))
    with closing(Fleet([tmp_path / "a.log", tmp_path / "b.csv"], {})) as fleet:
        list(fleet.poll(0.0, budget_s=9.0))
        found = [(glance.step, glance.problem) for glance in fleet.glances(0.0)]
    assert found == [(None, "RuntimeError: of ours"), (7, "")]


def test_much_to_read_is_read_bit_by_bit_and_each_run_has_its_turn(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("step,loss\n" + table([1.0] * 10_000))
    with closing(Fleet([tmp_path], {})) as fleet:
        list(fleet.poll(0.0, budget_s=0.0))
        first = [(glance.step, glance.is_behind) for glance in fleet.glances(0.0)]
        list(fleet.poll(0.0, budget_s=60.0))
        then = [(glance.step, glance.is_behind) for glance in fleet.glances(0.0)]
    assert first == [(1999, True)] * 2
    assert then == [(9998, False)] * 2
