"""A real TensorBoard, with both of its loaders, asked over HTTP what it draws."""

import json
import math
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from lrwatch.records import Action, Alert, Point, Step
from lrwatch.sinks.run_directory import RunDirectory

ALERT = Alert(
    kind="divergence", severity="critical", step=30, onset=20, message="loss rose", advice="halve"
)


def point(step: int, loss: float | None = None) -> Point:
    seen = Step(step=step, loss=float(step) if loss is None else loss, grad_norm=1.0, lr=0.1)
    band = (math.nan, math.nan) if step < 10 else (step - 1.0, step + 1.0)
    return Point(step=seen, lo=band[0], hi=band[1], lrs=(0.1, 0.01), lr_scale=0.5)


def write(run: Path, steps: range, *, offset: float = 0.0, alerts: tuple[Alert, ...] = ()) -> None:
    """One process's part of a run; an alert in it makes all of its points be drawn."""
    directory = RunDirectory(run, start_step=steps.start, settings={"batch_size": 64})
    for step in steps:
        directory.write_point(point(step, step + offset))
        for alert in alerts:
            if alert.step == step:
                directory.write_alert(alert)
    directory.write_action(Action(kind="backoff", step=steps.stop - 1, reason="as asked"))
    directory.close()


def write_of_user(run: Path) -> None:
    writer = EventFileWriter(str(run))
    for step in range(50):
        value = summary_pb2.Summary.Value(tag="train/loss", simple_value=float(step))
        writer.add_event(event_pb2.Event(step=step, summary=summary_pb2.Summary(value=[value])))
    writer.close()


class TensorBoard:
    """A running TensorBoard."""

    def __init__(self, logdir: Path, *, load_fast: str) -> None:
        self._late = logdir / f"late-{load_fast}"
        command = f"-m tensorboard.main --host 127.0.0.1 --port 0 --load_fast {load_fast}"
        self._process = subprocess.Popen(
            [sys.executable, *command.split(), "--reload_interval", "1", "--logdir", str(logdir)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self.url = address(self._process.stderr)

    def get(self, path: str, **query: str) -> Any:
        with urlopen(f"{self.url}{path}?{urlencode(query)}", timeout=120) as reply:
            return json.load(reply)

    def wait_for(self, runs: set[str]) -> None:
        """Until the runs are read to their ends: one that begins later is found thereafter."""
        self._wait_for(runs)
        write_of_user(self._late)
        self._wait_for({self._late.name})

    def _wait_for(self, runs: set[str]) -> None:
        while not set(self.get("data/runs")) >= runs:
            threading.Event().wait(0.1)

    def scalars(self, run: str, tag: str) -> dict[int, float]:
        rows = self.get("data/plugin/scalars/scalars", run=run, tag=tag)
        assert len({row[1] for row in rows}) == len(rows)
        assert [row[1] for row in rows] == sorted(row[1] for row in rows)
        return {row[1]: float(row[2]) for row in rows}

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate()


def address(stderr: IO[str]) -> str:
    for line in stderr:
        if match := re.search(r"http://\S+", line):
            threading.Thread(target=stderr.read, daemon=True).start()
            return match[0]
    raise AssertionError("tensorboard did not start")


RUNS = {"fresh/lrwatch", "resumed/lrwatch", "rewound/lrwatch", "beside/lrwatch", "beside"}


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("logs")
    write(root / "fresh", range(60), alerts=(ALERT,))
    write(root / "resumed", range(100), alerts=(ALERT,))
    write(root / "resumed", range(50, 80), offset=0.25)
    write(root / "resumed", range(60, 70), offset=0.5)
    write(root / "rewound", range(40))
    rewound = RunDirectory(root / "rewound", start_step=40)
    for step in [*range(40, 60), *range(50, 70)]:
        rewound.write_point(point(step))
        rewound.write_alert(Alert(kind="stall", severity="info", step=step, onset=0, message="m"))
    rewound.close()
    write_of_user(root / "beside")
    write(root / "beside", range(60), alerts=(ALERT,))
    return root


@pytest.fixture(scope="module", params=["true", "false"])
def board(logdir: Path, request: pytest.FixtureRequest) -> Iterator[TensorBoard]:
    tensorboard = TensorBoard(logdir, load_fast=request.param)
    try:
        tensorboard.wait_for(RUNS)
        yield tensorboard
    finally:
        tensorboard.stop()


def test_every_run_is_listed_once(board: TensorBoard, logdir: Path) -> None:
    late = {path.name for path in logdir.glob("late-*")}
    assert sorted(board.get("data/runs")) == sorted(RUNS | late)


def test_loss_and_band_share_their_steps(board: TensorBoard) -> None:
    loss, lo, hi = (
        board.scalars("fresh/lrwatch", f"lrwatch/loss{end}") for end in ("", "_lo", "_hi")
    )
    assert list(loss) == list(lo) == list(hi) == list(range(60))
    assert loss == {step: float(step) for step in range(60)}
    assert math.isnan(lo[9])
    assert (lo[10], hi[10]) == (9.0, 11.0)


def test_rates_are_shown_as_scheduled_and_as_applied(board: TensorBoard) -> None:
    assert board.scalars("fresh/lrwatch", "lrwatch/lr/1")[7] == pytest.approx(0.01)
    assert board.scalars("fresh/lrwatch", "lrwatch/lr_applied/0")[7] == pytest.approx(0.05)
    assert board.scalars("fresh/lrwatch", "lrwatch/lr_scale")[7] == 0.5


def test_mark_stands_alone_at_the_loss_of_its_step(board: TensorBoard) -> None:
    mark = board.scalars("fresh/lrwatch", "lrwatch/mark/divergence")
    assert mark[30] == 30.0
    assert math.isnan(mark[31])
    assert set(board.scalars("fresh/lrwatch", "lrwatch/mark/backoff")) == {59, 60}


def test_alerts_are_counted(board: TensorBoard) -> None:
    total = board.scalars("fresh/lrwatch", "lrwatch/alerts_total")
    assert (total[0], total[59]) == (0.0, 1.0)


def test_margin_chart_stands_in_a_category_of_its_own(board: TensorBoard) -> None:
    layout = board.get("data/plugin/custom_scalars/layout")
    first = layout["category"][0]
    series = first["chart"][0]["margin"]["series"][0]
    assert len(first["chart"]) == 1
    assert series == {
        "value": "lrwatch/loss",
        "lower": "lrwatch/loss_lo",
        "upper": "lrwatch/loss_hi",
    }
    assert len(layout["category"]) == 2


def test_digest_has_the_alert_and_the_settings(board: TensorBoard) -> None:
    texts = board.get("data/plugin/text/text", run="fresh/lrwatch", tag="lrwatch/digest")
    newest = max(texts, key=lambda text: text["step"])["text"]
    assert "1 alert, 1 action" in newest
    assert newest.index("backoff") < newest.index("loss rose")
    assert "batch_size" in newest


def test_resumed_run_is_drawn_without_the_steps_it_took_back(board: TensorBoard) -> None:
    loss = board.scalars("resumed/lrwatch", "lrwatch/loss")
    assert set(range(50)) <= set(loss)
    assert max(loss) == 69
    assert all(loss[step] == step + 0.25 for step in loss if 50 <= step < 60)
    assert all(loss[step] == step + 0.5 for step in loss if step >= 60)
    assert board.get("data/plugin/custom_scalars/layout")["category"]


def test_resumed_run_still_shows_its_earlier_alert(board: TensorBoard) -> None:
    assert board.scalars("resumed/lrwatch", "lrwatch/mark/divergence")[30] == 30.0
    texts = board.get("data/plugin/text/text", run="resumed/lrwatch", tag="lrwatch/digest")
    assert "loss rose" in max(texts, key=lambda text: text["step"])["text"]


def test_steps_that_go_back_within_a_process_are_drawn_once(board: TensorBoard) -> None:
    assert board.scalars("rewound/lrwatch", "lrwatch/loss")[69] == 69.0
    mark = board.scalars("rewound/lrwatch", "lrwatch/mark/stall")
    assert [step for step in mark if not math.isnan(mark[step])] == list(range(40, 70, 2))


def test_users_own_event_file_is_read_whole(board: TensorBoard) -> None:
    assert list(board.scalars("beside", "train/loss")) == list(range(50))


def test_an_unknown_tag_is_an_error_so_that_these_tests_can_fail(board: TensorBoard) -> None:
    with pytest.raises(HTTPError):
        board.scalars("fresh/lrwatch", "lrwatch/none")
