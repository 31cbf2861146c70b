"""A run that lrwatch watched is judged as the watch did, though few of its points were drawn."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import lrwatch
from lrwatch.cli import main
from lrwatch.live.glance import Glance
from lrwatch.live.watched import WatchedRun
from lrwatch.plugin.study import summary_of
from lrwatch.records import Action, Point, Step, Verdict
from lrwatch.reviewing.judging import judge
from lrwatch.sinks.run_directory import RunDirectory
from lrwatch.sinks.verdict_file import VERDICT_NAME, read_standing

ROOT = Path(__file__).parents[2]
N_STEPS = 250
torch.set_num_threads(1)


def train(run: Path, *, n_steps: int = N_STEPS, rate: float = 0.05) -> Verdict:
    """Fast steps, of which the thread that draws lets some ten a second pass."""
    with watched(run, n_steps, rate) as watch:
        return watch.verdict


@contextmanager
def watched(run: Path, n_steps: int = N_STEPS, rate: float = 0.05) -> Iterator[lrwatch.Watch]:
    torch.manual_seed(0)
    model = torch.nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    watch = lrwatch.attach(optimizer, run_dir=run, stderr=False, norm_every=1)
    for _ in range(n_steps):
        x = torch.randn(16, 8)
        optimizer.zero_grad()
        noise = 0.1 * torch.randn(16, 1)
        (model(x) - x[:, :2].sum(1, keepdim=True) - noise).square().mean().backward()
        optimizer.step()
    yield watch
    watch.close()


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "healthy"
    assert train(run) == "healthy"
    return run


def verdict_of(run: Path) -> str:
    return judge(lrwatch.read(run)).verdict


def glanced(run: Path, **asked: str) -> Glance:
    one = WatchedRun(run, asked, name="run")
    one.poll(time.time())
    one.settle()
    one.close()
    return one.glance(time.time())


def output(*arguments: object) -> str:
    return CliRunner().invoke(main, [str(argument) for argument in arguments]).output


def test_few_points_are_drawn_and_read(healthy: Path) -> None:
    n_drawn = sum(1 for _ in lrwatch.read(healthy))
    assert n_drawn < 200
    (healthy / "lrwatch" / VERDICT_NAME).rename(healthy / "kept")
    assert verdict_of(healthy) == "undecided"
    (healthy / "kept").rename(healthy / "lrwatch" / VERDICT_NAME)
    assert sum(1 for _ in lrwatch.read(healthy)) == n_drawn


def test_every_reader_says_what_the_watch_said(healthy: Path) -> None:
    judged = judge(lrwatch.read(healthy))
    assert (judged.verdict, judged.n_steps, judged.last_step) == ("healthy", N_STEPS, N_STEPS - 1)
    assert judged.closed
    assert lrwatch.review(healthy).verdict == "healthy"
    assert summary_of(str(healthy))["verdict"] == "healthy"
    glance = glanced(healthy)
    assert (glance.verdict, glance.is_over) == ("healthy", True)
    found = json.loads(output("scan", "--json", healthy))
    assert (found["verdict"], found["n_steps"], found["closed"]) == ("healthy", N_STEPS, True)
    checked = json.loads(output("check", "--format", "json", healthy))
    assert (checked["verdict"], checked["closed"]) == ("healthy", True)
    assert "250 steps judged up to step 249, then closed" in output("check", healthy)
    assert "healthy" in output("tail", healthy)


def test_a_report_says_what_the_verdict_rests_on(healthy: Path, tmp_path: Path) -> None:
    assert not output("report", healthy, "-o", tmp_path / "report.md").startswith("Error")
    text = (tmp_path / "report.md").read_text()
    assert "nothing says that the learning rate was wrong" in text
    assert "250 steps judged" in text


def test_where_the_user_names_columns_these_are_judged(healthy: Path) -> None:
    reading = lrwatch.read(healthy, loss="lrwatch/loss")
    assert judge(reading).verdict == "undecided"
    assert glanced(healthy, loss="lrwatch/loss").verdict == "undecided"


def test_a_verdict_that_is_none_leaves_what_was_said_without(healthy: Path) -> None:
    path = healthy / "lrwatch" / VERDICT_NAME
    kept = path.read_bytes()
    try:
        for data in (b"[" * 4000, kept[:-20], kept + b" " * 5000, b"\0" * 200):
            path.write_bytes(data)
            assert verdict_of(healthy) == "undecided"
            assert glanced(healthy).verdict == "undecided"
    finally:
        path.write_bytes(kept)


def points(directory: RunDirectory, *steps: int) -> None:
    for step in steps:
        directory.write_point(Point(step=Step(step=step, loss=1.0, time=time.time())))


@pytest.mark.parametrize("has_ledger", [True, False])
def test_a_run_that_went_on_without_it_is_judged_anew(tmp_path: Path, has_ledger: bool) -> None:
    first = RunDirectory(tmp_path)
    points(first, *range(5))
    first.write_verdict("too_low", closed=True)
    first.close()
    assert verdict_of(tmp_path) == "too_low"
    another = RunDirectory(tmp_path, start_step=5)
    points(another, *range(5, 10))
    another.close()
    if not has_ledger:
        (tmp_path / "lrwatch" / "alerts.jsonl").unlink()
    assert verdict_of(tmp_path) == "undecided"
    assert glanced(tmp_path).verdict == "undecided"


def test_a_resumed_run_has_the_verdict_of_its_last_segment(tmp_path: Path) -> None:
    assert train(tmp_path) == "healthy"
    assert train(tmp_path, n_steps=40) == "undecided"
    judged = judge(lrwatch.read(tmp_path))
    assert (judged.verdict, judged.last_step) == ("undecided", 39)
    assert train(tmp_path) == "healthy"
    assert verdict_of(tmp_path) == "healthy"


def test_an_alert_that_a_restart_undid_is_not_held_against_the_run(tmp_path: Path) -> None:
    assert train(tmp_path, rate=40.0) == "too_high"
    assert verdict_of(tmp_path) == "too_high"
    assert train(tmp_path) == "healthy"
    judged = judge(lrwatch.read(tmp_path))
    assert (judged.verdict, judged.alerts) == ("healthy", ())
    assert glanced(tmp_path).verdict == "healthy"


def test_a_watch_keeps_its_verdict_while_it_goes_on(tmp_path: Path) -> None:
    directory = tmp_path / "lrwatch"
    with watched(tmp_path) as watch:
        watch.flush()
        deadline = time.monotonic() + 300
        while read_standing(directory) is None and time.monotonic() < deadline:
            os.sched_yield()
        found = read_standing(directory)
        assert found is not None
        assert not found.closed
    found = read_standing(directory)
    assert found is not None
    assert (found.closed, found.n_steps) == (True, N_STEPS)


@pytest.mark.parametrize("lrs", [(0.1,), (0.1, 0.2)])
def test_the_live_view_reads_the_rate_as_the_back_off_scaled_it(
    tmp_path: Path, lrs: tuple[float, ...]
) -> None:
    directory = RunDirectory(tmp_path)
    for i in range(20):
        step = Step(step=i, loss=1.0, lr=0.1, time=time.time())
        directory.write_point(Point(step=step, lrs=lrs, lr_scale=1.0 if i < 10 else 0.25))
        if i == 10:
            directory.write_action(Action(kind="backoff", step=10, reason="r", scale=0.25))
    directory.close()
    glance = glanced(tmp_path)
    assert glance.applied is not None
    assert (glance.lr.low, glance.lr.high) == pytest.approx((0.1, 0.1))
    assert (glance.applied.low, glance.applied.high) == pytest.approx((0.025, 0.1))
    assert (glance.deeds.n_done, glance.deeds.n_helped) == (1, 0)


def test_a_rate_that_nobody_scaled_is_read_once(healthy: Path) -> None:
    assert glanced(healthy).applied is None


LEFT_OPEN = """
import sys, torch, lrwatch
torch.set_num_threads(1)
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
lrwatch.attach(optimizer, run_dir=sys.argv[1], stderr=False)
for step in range(300):
    optimizer.zero_grad()
    loss = model(torch.randn(16, 8)).square().mean()
    if step == 299:
        loss = loss * float("nan")
    loss.backward()
    optimizer.step()
    if step == 280:
        lrwatch.attach.__globals__["_watches"][optimizer].flush()
"""


def test_a_program_that_ends_without_closing_loses_no_step_and_no_alert(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", LEFT_OPEN, str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, check=False, timeout=300, capture_output=True)
    assert (ended.returncode, ended.stderr) == (0, b"")
    judged = judge(lrwatch.read(tmp_path))
    assert (judged.n_steps, judged.last_step, judged.closed) == (300, 299, True)
    assert [alert.kind for alert in judged.alerts] == ["non_finite"]
    assert [step.step for step in lrwatch.read(tmp_path)][-1] == 299


def test_the_picture_of_a_review_shows_the_rate_as_applied(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    for i in range(20):
        step = Step(step=i, loss=1.0, lr=0.1, time=time.time())
        directory.write_point(Point(step=step, lr_scale=1.0 if i < 10 else 0.25))
    directory.write_action(Action(kind="backoff", step=10, reason="r", scale=0.25))
    directory.close()
    found = lrwatch.review(tmp_path)
    assert [action.kind for action in found.actions] == ["backoff"]
    rates = found.plot().axes[-1]
    drawn = {str(line.get_label()): np.asarray(line.get_ydata()).tolist() for line in rates.lines}
    assert drawn["scheduled"] == pytest.approx([0.1] * 20)
    assert drawn["applied"] == pytest.approx([0.1] * 10 + [0.025] * 10)
