"""Storms: a run that is in trouble all the time, and a detector that alerts at every step."""

import math
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lrwatch.records import Alert, Point, Step
from lrwatch.sinks.run_directory import RunDirectory
from lrwatch.watcher import Watcher
from tests.benchmarks.proof.figure import Figure, together

CAP_MIB = 16.0
EVENTS_CAP_MIB = 24.0  # 16 for what is around alerts, 2 for digests, and the points that are due


def stormy_steps(n_steps: int) -> Iterator[Step]:
    """Leaps of the loss, non-finite losses and exploding norms, with quiet between them."""
    rng = random.Random(0)
    for i in range(n_steps):
        bad = i // 40 % 2 == 1
        loss = rng.choice([math.nan, math.inf, 1e3, 1e6, 50.0]) if bad else rng.gauss(1.0, 0.1)
        yield Step(step=i, loss=loss, grad_norm=1e9 if bad else 1.0, lr=1e-3)


def soak(n_steps: int) -> Figure:
    """Both storms."""
    storms = []
    for storm in (_judged, _alert_at_every_step):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            storms.append(storm(Path(folder), n_steps))
    return together(*storms)


def _judged(run: Path, n_steps: int) -> Figure:
    directory, watcher, n_alerts = RunDirectory(run), Watcher(), 0
    for step in stormy_steps(n_steps):
        directory.write_point(Point(step=step))
        for alert in watcher.update(step):
            directory.write_alert(alert)
            n_alerts += 1
    directory.close()
    return _sized(run, f"storm of troubles, {n_steps:,} steps: {n_alerts} alerts")


def _alert_at_every_step(run: Path, n_steps: int) -> Figure:
    directory, start_s = RunDirectory(run), time.process_time()
    for i in range(n_steps):
        directory.write_point(Point(step=Step(step=i, loss=1.0, grad_norm=1.0, lr=1e-3)))
        directory.write_alert(
            Alert(kind="stall", severity="info", step=i, onset=i, message="the loss stands still")
        )
    directory.close()
    us = (time.process_time() - start_s) / n_steps * 1e6
    return _sized(run, f"an alert at each of {n_steps:,} steps: {us:.0f} us an alert")


def _sized(run: Path, words: str) -> Figure:
    ledger, *_ = (run / "lrwatch").glob("alerts.jsonl")
    events = sum(f.stat().st_size for f in (run / "lrwatch").glob("events.*")) / 2**20
    mib = ledger.stat().st_size / 2**20
    return Figure(
        f"{words}, ledger {mib:.2f} MiB (cap {CAP_MIB:.0f}), event files {events:.2f} MiB (cap "
        f"{EVENTS_CAP_MIB:.0f})",
        mib <= CAP_MIB + 1 / 256 and events <= EVENTS_CAP_MIB,  # a last line says that it is full
    )
