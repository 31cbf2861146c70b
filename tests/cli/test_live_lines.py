"""What `lrwatch live` prints where there is no terminal."""

import os
from pathlib import Path

import pytest

from lrwatch.cli._live_lines import Lines
from lrwatch.live.fleet import Fleet
from lrwatch.records import Point, Step
from lrwatch.sinks.run_directory import RunDirectory

HOUR_S = 3600.0


def test_a_run_that_ended_is_shown_at_its_last_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = RunDirectory(tmp_path)
    for i in range(50):
        directory.write_point(Point(step=Step(step=i, loss=1 / (1 + i))))
    directory.write_verdict("healthy", closed=True)
    directory.close()
    fleet, lines = Fleet([tmp_path], {}), Lines(is_colored=False, every_s=30.0)
    list(fleet.poll(0.0, budget_s=60.0))
    lines.statuses(fleet.glances(0.0), 0.0)
    fleet.close()
    assert "healthy  step=49  loss=0.02  ended" in capsys.readouterr().out


def test_the_last_step_of_a_log_that_stands_still_is_shown_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "run.csv"
    log.write_text("step,loss\n" + "".join(f"{i},{1 / (1 + i)}\n" for i in range(50)))
    os.utime(log, (HOUR_S, HOUR_S))
    fleet, lines = Fleet([log], {}), Lines(is_colored=False, every_s=30.0)
    for now_s in (2 * HOUR_S, 2 * HOUR_S + 5, 2 * HOUR_S + 10):
        list(fleet.poll(now_s, budget_s=60.0))
        lines.statuses(fleet.glances(now_s), now_s)
    fleet.close()
    said = capsys.readouterr().out.splitlines()
    assert [line.partition("step=")[2].split()[0] for line in said] == ["48", "49"]
