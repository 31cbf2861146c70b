"""The curve of a range test for TensorBoard, in a folder of its own."""

import time
from pathlib import Path

from lrwatch.range_test.finding import LrFinding
from lrwatch.sinks import event
from lrwatch.sinks.event_file import EventFile

FOLDER = "lr_find"


def write_board(finding: LrFinding, run_dir: Path) -> Path:
    """Write ``RUN/lr_find/events...``: loss, smoothed loss and rate by step, trials, the answer.

    Raises:
        OSError: If it cannot be written.
    """
    folder = run_dir / FOLDER
    file = EventFile(folder)
    file.open(0)
    try:
        file.write([*_ramp(finding), *_trials(finding), _answer(finding)])
    finally:
        file.close()
    return folder


def _ramp(finding: LrFinding) -> list[bytes]:
    ramp, now_s = finding.ramp, time.time()
    rows = zip(ramp.lrs, ramp.losses, ramp.smoothed, strict=True)
    return [
        event.scalars(
            now_s,
            step,
            {"lr_find/lr": lr, "lr_find/loss": loss, "lr_find/loss_smoothed": smoothed},
        )
        for step, (lr, loss, smoothed) in enumerate(rows)
    ]


def _trials(finding: LrFinding) -> list[bytes]:
    now_s = time.time()
    ordered = sorted(finding.trials, key=lambda trial: trial.lr)
    return [
        event.scalars(now_s, i, {"lr_find/trial_lr": t.lr, "lr_find/trial_gain": t.gain})
        for i, t in enumerate(ordered)
    ]


def _answer(finding: LrFinding) -> bytes:
    rows = [
        f"| {t.lr:.3g} | {t.gain:.4g} | {t.error:.2g} |"
        for t in sorted(finding.trials, key=lambda trial: trial.lr)
    ]
    table = ["", "| rate | gain | standard error |", "|---|---|---|", *rows] if rows else []
    lines = [f"**{finding}**", *table, *(f"\n{note}" for note in finding.notes)]
    return event.text(time.time(), 0, "lr_find/answer", "\n".join(lines))
