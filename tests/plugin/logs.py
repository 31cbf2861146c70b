"""Runs to look at: watched ones, plain logs, and some that mean no good."""

import math
import random
from collections.abc import Sequence
from pathlib import Path

from lrwatch.records import Action, Alert, Point, Step
from lrwatch.sinks import event
from lrwatch.sinks.framing import frame
from lrwatch.sinks.run_directory import RunDirectory

EVIL = "<img src=x onerror=window.hacked=1>"
SCRIPT = "<script>window.hacked=1</script>"
HIGH = Alert(
    kind="lr_too_high",
    severity="critical",
    step=60,
    onset=50,
    message="loss 9 above its band for 10 values",
    advice="halve the rate",
    verdict="too_high",
    lr=0.1,
    value=9.0,
    limit=4.5,
    evidence={"level": 3.25, "noise": 0.125},
    trouble=1,
)
BACKOFF = Action(
    kind="backoff", step=62, reason="as asked", trouble=1, lr_before=0.1, lr_after=0.05, scale=0.5
)
STALL = Alert(
    kind="stall", severity="warning", step=90, onset=80, message="flat", verdict=None, trouble=2
)
OVER = Alert(
    kind="stall",
    severity="info",
    step=110,
    onset=80,
    message="it falls again",
    state="closed",
    trouble=2,
)
HOSTILE = Alert(
    kind="stall",
    severity="warning",
    step=9,
    onset=3,
    message=SCRIPT,
    advice=EVIL,
    evidence={EVIL: SCRIPT},
    trouble=1,
)


def watched(run: Path, alerts: Sequence[Alert] = (HIGH, STALL, OVER), n_steps: int = 120) -> None:
    """A run as lrwatch leaves it: loss = step / 10 in a band of 1 around it, rate 0.1 halved."""
    directory = RunDirectory(run)
    for step in range(n_steps):
        seen = Step(step=step, loss=step / 10, grad_norm=1.0 + step, lr=0.1)
        scale = 0.5 if step >= BACKOFF.step else 1.0
        band = (math.nan, math.nan) if step < 8 else (step / 10 - 1, step / 10 + 1)
        directory.write_point(Point(step=seen, lo=band[0], hi=band[1], lrs=(0.1,), lr_scale=scale))
        for alert in alerts:
            if alert.step == step:
                directory.write_alert(alert)
        if step == BACKOFF.step:
            directory.write_action(BACKOFF)
    directory.write_verdict("too_high", closed=True)
    directory.close()


def plain(run: Path, losses: Sequence[float], *, first: int = 0, name: str = "events") -> None:
    """An event file as any trainer writes it; written after, or in the place of, what is there."""
    run.mkdir(parents=True, exist_ok=True)
    path = run / f"{name}.out.tfevents.1.x"
    with path.open("ab") as file:
        if file.tell() == 0:
            file.write(frame(event.file_version(1.7e9)))
        for step, loss in enumerate(losses, start=first):
            scalars = {"train/loss": loss, "train/lr": 1e-3}
            file.write(frame(event.scalars(1.7e9 + step, step, scalars)))


def falling(n: int, seed: int = 0) -> list[float]:
    """Losses of a healthy run."""
    rng = random.Random(seed)
    return [2 + 8 * (i + 10) ** -0.5 + rng.gauss(0, 0.05) for i in range(n)]


def diverging(n: int, seed: int = 0) -> list[float]:
    """Losses that rise from the middle on."""
    return [loss + 0.05 * max(0, i - n // 2) for i, loss in enumerate(falling(n, seed))]
