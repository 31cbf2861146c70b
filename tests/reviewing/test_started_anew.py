"""A run that was started anew in the log of another is judged by itself, in every command."""

import math
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

import lrwatch
from lrwatch.cli import main
from lrwatch.live.watched import WatchedRun
from lrwatch.reviewing.judging import judge


def healthy(n: int = 400) -> list[float]:
    rng = random.Random(1)
    return [4 * math.exp(-i / 80) + 0.5 + rng.gauss(0, 0.01) for i in range(n)]


def log(path: Path, *runs: Sequence[float], first: int = 0) -> Path:
    rows = (f"{first + i},{loss}\n" for losses in runs for i, loss in enumerate(losses))
    path.write_text("step,loss\n" + "".join(rows))
    return path


BROKEN = [*healthy(100), *[math.nan] * 20]


@pytest.mark.parametrize("before", [healthy(), BROKEN], ids=["healthy", "broken"])
def test_the_last_start_is_judged_as_if_it_were_alone(tmp_path: Path, before: list[float]) -> None:
    path = log(tmp_path / "log.csv", before, healthy())
    judged = judge(lrwatch.read(path))
    alone = judge(lrwatch.read(log(tmp_path / "alone.csv", healthy())))
    assert (judged.verdict, judged.alerts, judged.n_steps) == (alone.verdict, alone.alerts, 400)
    assert judged.notes == ("started anew once; the last start is judged",)
    run = WatchedRun(path, {}, name="log")
    run.poll(0.0)
    run.settle()
    glance = run.glance(0.0)
    assert (glance.verdict, glance.n_alerts, glance.entries) == (alone.verdict, 0, ())
    assert glance.loss.high == pytest.approx(4.5, abs=0.1)
    run.close()
    tailed = CliRunner().invoke(main, ["tail", "--exit-code", str(path)])
    assert tailed.exit_code == 0, tailed.output


def test_a_start_that_breaks_is_told(tmp_path: Path) -> None:
    path = log(tmp_path / "log.csv", healthy(), BROKEN)
    assert [alert.kind for alert in judge(lrwatch.read(path)).alerts][:1] == ["non_finite"]
    assert CliRunner().invoke(main, ["tail", "--exit-code", str(path)]).exit_code == 20


@pytest.mark.parametrize("first", [0, 5])
def test_a_batch_that_is_counted_anew_in_every_epoch_starts_no_run(
    tmp_path: Path, first: int
) -> None:
    losses = healthy()
    epochs = [losses[i : i + 100] for i in range(0, 400, 100)]
    judged = judge(lrwatch.read(log(tmp_path / "log.csv", *epochs, first=first)))
    assert (judged.n_steps, judged.n_starts, judged.notes) == (400, 0, ())


def test_a_run_that_was_resumed_half_way_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    steps = [*range(300), *range(200, 400)]
    losses = healthy()
    path.write_text("step,loss\n" + "".join(f"{i},{losses[i]}\n" for i in steps))
    assert judge(lrwatch.read(path)).n_steps == 500
