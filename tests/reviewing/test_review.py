"""A review gives a run as objects: verdict, alerts, a frame, a picture."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from lrwatch.readers.reading import read
from lrwatch.records import Alert, Step
from lrwatch.reviewing.judging import judge, onset, worst
from lrwatch.reviewing.review import review
from lrwatch.sinks.ledger import Ledger
from lrwatch.watcher import Watcher

WARNING = Alert(kind="stall", severity="warning", step=50, onset=40, message="flat", trouble=1)
CRITICAL = Alert(
    kind="divergence",
    severity="critical",
    step=90,
    onset=80,
    message="up",
    verdict="too_high",
    trouble=2,
)


def csv_of(path: Path, steps: list[tuple[int, float]]) -> Path:
    path.write_text("step,loss\n" + "".join(f"{step},{loss}\n" for step, loss in steps))
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    losses = [1 / (1 + i) if i < 400 else math.nan for i in range(450)]
    return csv_of(tmp_path / "run.csv", list(enumerate(losses)))


def test_the_alerts_are_those_of_a_watcher_that_saw_the_same_steps(broken: Path) -> None:
    watcher = Watcher()
    alerts = [alert for step in read(broken) for alert in watcher.update(step)]
    found = review(broken)
    assert found.alerts == tuple(alerts)
    assert found.verdict == watcher.verdict
    assert {alert.onset for alert in found.alerts if alert.kind == "non_finite"} == {400}


def test_the_frame_has_one_row_a_step(broken: Path) -> None:
    frame = review(broken).frame
    assert list(frame) == ["step", "loss", "grad_norm", "lr", "time", "segment", "superseded"]
    assert frame["step"].tolist() == list(range(450))
    assert frame["loss"][3] == 0.25
    assert frame["loss"].isna().sum() == 50
    assert frame["grad_norm"].isna().all()


def test_the_frame_tells_segments_and_what_was_written_anew(tmp_path: Path) -> None:
    steps = [0, 1, 2, 3, 2, 3, 4, 1]
    frame = review(csv_of(tmp_path / "run.csv", [(step, 1.0) for step in steps])).frame
    assert frame["segment"].tolist() == [0, 0, 0, 0, 1, 1, 1, 2]
    assert frame["superseded"].tolist() == [False, True, True, True, True, True, True, False]


def test_times_are_utc(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("loss", 1.0, 1, walltime=1_700_000_000.0)
    time = review(tmp_path).frame["time"][0]
    assert time.isoformat() == "2023-11-14T22:13:20+00:00"


def test_alerts_as_a_frame_have_a_column_for_each_field(broken: Path) -> None:
    found = review(broken)
    assert len(found.alert_frame) == len(found.alerts)
    assert {"kind", "severity", "step", "onset", "verdict"} <= set(found.alert_frame)


def test_a_review_says_what_it_is(tmp_path: Path) -> None:
    path = csv_of(tmp_path / "run.csv", [(0, 1.0), (1, 1.0)])
    assert repr(review(path)) == f"<Review of '{path}': undecided, 0 alerts in 2 steps>"


def test_the_picture_shows_what_was_logged_and_every_kind_of_alert(broken: Path) -> None:
    found = review(broken)
    (chart,) = found.plot().axes
    assert chart.get_ylabel() == "loss"
    assert chart.get_yscale() == "log"
    legend = chart.get_legend()
    assert legend is not None
    kinds = {alert.kind for alert in found.alerts if alert.state != "closed"}
    assert {text.get_text() for text in legend.get_texts()} == kinds


def test_a_notebook_shows_the_picture(broken: Path) -> None:
    assert review(broken).plot()._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_the_picture_of_a_hostile_name_is_drawn(tmp_path: Path) -> None:
    path = csv_of(tmp_path / "$\\frac{\x1b.csv", [(0, -1.0), (1, 1.0)])
    figure = review(path).plot()
    figure.savefig(tmp_path / "run.png")
    assert figure.get_suptitle() == "$\\frac{.csv: undecided"
    assert figure.axes[0].get_yscale() == "linear"


def watched(run: Path, *alerts: Alert) -> Path:
    ledger = Ledger(run / "lrwatch" / "alerts.jsonl")
    ledger.open_segment()
    for alert in alerts:
        ledger.write(alert)
    return run


def test_a_run_that_was_watched_keeps_the_alerts_written_then(tmp_path: Path) -> None:
    found = review(watched(tmp_path, WARNING, CRITICAL))
    assert found.alerts == (WARNING, CRITICAL)
    assert found.verdict == "too_high"


def test_a_trouble_that_was_over_does_not_count_for_the_verdict(tmp_path: Path) -> None:
    closed = replace(CRITICAL, state="closed", severity="info", step=99)
    assert review(watched(tmp_path, CRITICAL, closed)).verdict == "undecided"


def test_an_end_of_another_kind_of_the_same_trouble_leaves_the_verdict(tmp_path: Path) -> None:
    high = replace(CRITICAL, kind="lr_too_high", verdict="too_high", trouble=1)
    over = Alert(
        kind="oscillation",
        severity="info",
        step=99,
        onset=90,
        message="",
        state="closed",
        trouble=1,
    )
    assert review(watched(tmp_path, high, over)).verdict == "too_high"


def test_the_worst_alert_is_the_most_severe_and_a_recovery_is_none() -> None:
    recovered = replace(CRITICAL, state="closed", severity="info")
    remark = replace(WARNING, severity="info", onset=3)
    assert worst([WARNING, CRITICAL, recovered]) == CRITICAL
    assert worst([recovered]) is None
    assert worst([replace(CRITICAL, verdict=None, step=1), CRITICAL]) == CRITICAL
    assert worst([replace(CRITICAL, step=91), CRITICAL]) == CRITICAL
    assert onset([remark, CRITICAL, WARNING]) == 40
    assert onset([remark]) is None


def test_the_same_training_is_judged_alike_from_every_kind_of_log(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    losses = [2.0 ** -(i // 50) if i < 300 else 2.0 ** ((i - 300) // 10) for i in range(500)]
    live = Watcher()
    alerts = [a for i, x in enumerate(losses) for a in live.update(Step(step=i, loss=x))]
    csv_of(tmp_path / "run.csv", list(enumerate(losses)))
    lines = "".join(f'{{"step": {i}, "loss": {x}}}\n' for i, x in enumerate(losses))
    (tmp_path / "run.jsonl").write_text(lines)
    with SummaryWriter(str(tmp_path / "events")) as writer:
        for i, x in enumerate(losses):
            writer.add_scalar("train/loss", x, i)
    for name in ("run.csv", "run.jsonl", "events"):
        judged = judge(read(tmp_path / name))
        assert (judged.verdict, list(judged.alerts)) == (live.verdict, alerts)
    assert alerts
