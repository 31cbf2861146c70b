import math
from collections.abc import Iterable

import pytest
from tensorboard.compat.proto.event_pb2 import Event, SessionLog

from lrwatch.records import Action, Alert, Point, Step
from lrwatch.sinks import board as board_module
from lrwatch.sinks.board import Board


def point(step: int, loss: float | None = 1.5) -> Point:
    return Point(step=Step(step=step, loss=loss))


def alert(step: int, **changes: object) -> Alert:
    fields = {"kind": "stall", "severity": "warning", "step": step, "onset": 0, "message": "flat"}
    return Alert(**{**fields, **changes})  # type: ignore[arg-type]


def events(data: Iterable[bytes]) -> list[Event]:
    return [Event.FromString(x) for x in data]


def shown(data: Iterable[bytes], tag: str) -> list[tuple[int, float]]:
    return [(e.step, v.simple_value) for e in events(data) for v in e.summary.value if v.tag == tag]


def feed(board: Board, steps: Iterable[int], loss: float | None = 1.5) -> list[bytes]:
    return [x for step in steps for x in board.points([(0.0, point(step, loss))], 0.0)]


def test_a_step_that_repeats_is_drawn_once() -> None:
    board = Board()
    data = feed(board, [0, 1, 1, 2]) + board.drain(0.0)
    data += board.record(0.0, alert(2), offset_s=0.0)
    assert [step for step, _ in shown(data, "lrwatch/loss")] == sorted(
        {step for step, _ in shown(data, "lrwatch/loss")}
    )


def test_steps_that_go_back_are_announced() -> None:
    board = Board()
    feed(board, range(10))
    board.record(0.0, alert(9), offset_s=0.0)
    restart = events(feed(board, [5]))[0]
    assert (restart.session_log.status, restart.step) == (SessionLog.START, 5)


def test_a_restart_at_the_first_step_brings_the_layout_back() -> None:
    board = Board()
    feed(board, range(10))
    tags = [v.tag for e in events(feed(board, [0])) for v in e.summary.value]
    assert "custom_scalars__config__" in tags


def test_a_mark_stands_at_the_last_finite_loss() -> None:
    board = Board()
    feed(board, [0], loss=2.5)
    feed(board, [1], loss=math.nan)
    data = board.record(0.0, alert(1, kind="non_finite"), offset_s=0.0)
    mark = shown(data, "lrwatch/mark/non_finite")
    assert mark[0] == (1, 2.5)
    assert mark[1][0] == 2
    assert math.isnan(mark[1][1])


def test_a_recovery_is_no_mark_and_no_further_alert() -> None:
    board = Board()
    feed(board, [0])
    data = board.record(0.0, alert(0, state="closed"), offset_s=0.0)
    assert shown(data, "lrwatch/mark/stall") == []
    assert board.digest.n_opened == 0


def test_a_mark_of_a_dry_run_has_a_name_of_its_own() -> None:
    board = Board()
    data = board.record(0.0, Action(kind="skip", step=3, reason="", dry_run=True), offset_s=0.0)
    assert shown(data, "lrwatch/mark/skip_dry_run")


def test_a_hostile_kind_makes_a_harmless_tag() -> None:
    data = Board().record(0.0, alert(3, kind="../<b>\x1b"), offset_s=0.0)
    assert shown(data, "lrwatch/mark/____b__")


def test_the_digest_is_written_when_it_changed_and_never_twice_at_a_step() -> None:
    board, steps = Board(start_step=5), []
    for i in range(3):
        board.record(0.0, alert(5), offset_s=0.0)
        steps += [event.step for event in events(board.renew_digest(0.0, i))]
        assert board.renew_digest(0.0, i) == []
    assert steps == [5, 6, 7]


def test_a_point_without_a_loss_has_no_band_either() -> None:
    board = Board()
    (event,) = events(feed(board, [0], loss=None))
    assert {v.tag for v in event.summary.value} == {"lrwatch/lr_scale", "lrwatch/alerts_total"}


def test_a_storm_of_alerts_writes_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "_AROUND_ALERTS", 50_000)
    monkeypatch.setattr(board_module, "_OF_DIGESTS", 20_000)
    board, data, n_marks = Board(), list[bytes](), 0
    for step in range(3000):
        time_s = 0.001 * step
        data += board.points([(time_s, point(step))], 0.0)
        marked = board.record(time_s, alert(step), offset_s=0.0)
        n_marks += bool(marked)
        data += marked + board.renew_digest(time_s, 0)
    assert sum(map(len, data)) < 100_000
    assert 50 < n_marks < 2000


def test_the_last_digest_tells_of_the_whole_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "_OF_DIGESTS", 1000)
    board = Board()
    for step in range(100):
        board.record(0.0, alert(step), offset_s=0.0)
        board.renew_digest(0.0, 0)
    (last,) = events(board.renew_digest(0.0, 0, at_once=True))
    assert b"100 alerts" in last.summary.value[0].tensor.string_val[0]


def test_after_a_storm_an_alert_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "_AROUND_ALERTS", 5000)
    board = Board()
    for step in range(500):
        board.record(0.0, alert(step), offset_s=0.0)
    assert board.record(0.0, alert(500), offset_s=0.0) == []
    assert board.record(60.0, alert(501), offset_s=0.0)
