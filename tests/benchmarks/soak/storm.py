"""Storms: a run that is in trouble all the time, and a detector that alerts at every step."""

import math
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lrwatch.records import Alert, Step
from lrwatch.sinks.run_directory import RunDirectory
from lrwatch.watcher import Watcher

CAP_MIB = 16.0


def stormy_steps(n_steps: int) -> Iterator[Step]:
    """Leaps of the loss, non-finite losses and exploding norms, with quiet between them."""
    rng = random.Random(0)
    for i in range(n_steps):
        bad = i // 40 % 2 == 1
        loss = rng.choice([math.nan, math.inf, 1e3, 1e6, 50.0]) if bad else rng.gauss(1.0, 0.1)
        yield Step(step=i, loss=loss, grad_norm=1e9 if bad else 1.0, lr=1e-3)


def soak(n_steps: int) -> list[str]:
    """Both storms."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        judged = _judged(Path(folder), n_steps)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return [judged, _alert_at_every_step(Path(folder), n_steps)]


def _judged(run: Path, n_steps: int) -> str:
    directory, watcher, n_alerts = RunDirectory(run), Watcher(), 0
    for step in stormy_steps(n_steps):
        for alert in watcher.update(step):
            directory.write_alert(alert)
            n_alerts += 1
    directory.close()
    return f"storm of troubles, {n_steps:,} steps: {n_alerts} alerts, {_mib(run)}"


def _alert_at_every_step(run: Path, n_steps: int) -> str:
    directory, start_s = RunDirectory(run), time.process_time()
    for i in range(n_steps):
        directory.write_alert(
            Alert(kind="stall", severity="info", step=i, onset=i, message="the loss stands still")
        )
    directory.close()
    us = (time.process_time() - start_s) / n_steps * 1e6
    return f"an alert at each of {n_steps:,} steps: {_mib(run)}, {us:.0f} us an alert"


def _mib(run: Path) -> str:
    mib = sum(f.stat().st_size for f in (run / "lrwatch").iterdir()) / 2**20
    return f"{mib:.2f} MiB of files (cap {CAP_MIB:.0f} a ledger)"
