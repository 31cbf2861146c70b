"""Rows 1, 2 and 4: a training that is killed, asked to end, or falls over."""

import random
import re
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lrwatch.sinks.history import read_ledger
from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.benchmarks.proof.files import event_files, events, unreadable_files
from tests.benchmarks.proof.zygote import Ran, Zygote, shared

_KILLS_PER_RUN = 10
_STEPS_S = (0.002, 0.02, 0.3)
_MAX_LOST_S = 1.5  # a second, and what a busy machine takes to wake a thread
_STEP = re.compile(r"  step=(\d+) ")

# Every third step alerts; what is printed is what lrwatch prints.
ALERTING = """
import os, signal, sys, torch, lrwatch
from lrwatch import watcher
from lrwatch.loop import ears
from lrwatch.records import Alert
from lrwatch.sinks import promptly

class Alarming(watcher.Watcher):
    def update(self, step):
        super().update(step)
        if step.step % 3:
            return []
        return [Alert(kind="stall", severity="info", step=step.step, onset=0, message="m")]

ears.Watcher = Alarming
promptly._BUDGET_S = 120.0  # a machine that is busy is no disk that hangs
run, first, way = sys.argv[1], int(sys.argv[2]), sys.argv[3]
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
watch = lrwatch.attach(optimizer, run_dir=run, check_before_step=True)
watch.load_state_dict({"v": 1, "n_steps": first})
print("ready", flush=True)
i = 0
while True:
    i += 1
    optimizer.zero_grad()
    model(torch.ones(4, 2)).square().mean().backward()
    optimizer.step()
    if way == "exit" and i == 40:
        os._exit(9)
    if way == "segfault" and i == 40:
        os.kill(os.getpid(), signal.SIGSEGV)
"""

QUIET = """
import sys, time, torch, lrwatch
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
lrwatch.attach(optimizer, run_dir=sys.argv[1])
print("ready", flush=True)
while True:
    optimizer.zero_grad()
    model(torch.ones(4, 2)).square().mean().backward()
    optimizer.step()
    time.sleep(float(sys.argv[2]))
"""

ENDING = """
import os, signal, sys, torch, lrwatch
before = [signal.getsignal(n) for n in range(1, 32) if n not in (9, 19)]
if sys.argv[2] == "handled":
    def ended(number, frame):
        print("handled", flush=True)
        sys.exit(143)
    signal.signal(signal.SIGTERM, ended)
    before[signal.SIGTERM - 1 - (signal.SIGTERM > 9)] = ended
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
with lrwatch.attach(optimizer, run_dir=sys.argv[1]):
    same = before == [signal.getsignal(n) for n in range(1, 32) if n not in (9, 19)]
    print("ready", same, flush=True)
    while True:
        optimizer.zero_grad()
        model(torch.ones(4, 2)).square().mean().backward()
        optimizer.step()
"""


def kills(n: int, seed: int = 0) -> Figure:
    """Row 1: ``n`` kills at random moments, ten for each run directory."""
    rng = random.Random(seed)

    def ended(zygote: Zygote, run: Path, first: int) -> Ran:
        script = zygote.start(ALERTING, run, first, "on")
        script.printed("ready")
        time.sleep(rng.uniform(0.0, 0.5))
        return script.kill()

    zygote = shared()
    alerts = _alerts_kept(zygote, n, ended, {-signal.SIGKILL})
    if n < _KILLS_PER_RUN:
        return alerts
    lost = [_metrics_lost_s(zygote, max(n // 50, 1), rng, step_s) for step_s in _STEPS_S]
    words = ", ".join(f"{x:.1f} s" for x in lost)
    steps = ", ".join(f"{1000 * step_s:.0f}" for step_s in _STEPS_S)
    text = f"points lost at most: {words}, with steps of {steps} ms"
    return together(alerts, Figure(text, max(lost) < _MAX_LOST_S))


def crashes(n: int) -> Figure:
    """Row 4: the process ends by itself, without any of Python's ending."""

    def ended(zygote: Zygote, run: Path, first: int) -> Ran:
        return zygote.run(ALERTING, run, first, "exit" if first % 200_000 else "segfault")

    zygote = shared()
    return _alerts_kept(zygote, n, ended, {9, -signal.SIGSEGV})


def requests(n: int) -> Figure:
    """Row 2: SIGTERM, with and without a handler of the user's."""
    n_same = n_good = 0
    zygote = shared()
    with tempfile.TemporaryDirectory() as folder:
        for i in range(n):
            way = "handled" if i % 2 else "unhandled"
            script = zygote.start(ENDING, Path(folder) / str(i), way)
            n_same += script.printed("ready True")
            ran = script.kill(signal.SIGTERM)
            code = 143 if way == "handled" else -signal.SIGTERM
            n_good += ran.code == code and ("handled" in ran.out) == (way == "handled")
    return together(
        all_of(n_good, n, "exit codes unchanged, the user's handler ran"),
        all_of(n_same, n, "runs in which attach() left all signal handlers alone"),
    )


def _alerts_kept(
    zygote: Zygote, n: int, end: Callable[[Zygote, Path, int], Ran], codes: set[int]
) -> Figure:
    n_printed = n_lost = n_unreadable = n_files = n_odd = 0
    for begin in range(0, n, _KILLS_PER_RUN):
        with tempfile.TemporaryDirectory() as folder:
            run, printed = Path(folder) / "run", set[int]()
            for i in range(min(_KILLS_PER_RUN, n - begin)):
                ran = end(zygote, run, 100_000 * i)
                n_odd += ran.code not in codes
                lines = ran.err.split("\n")[:-1]
                printed |= {int(m[1]) for line in lines if (m := _STEP.search(line))}
            ledger = run / "lrwatch" / "alerts.jsonl"
            kept = {record.step for record in read_ledger(ledger)} if ledger.exists() else set()
            n_printed, n_lost = n_printed + len(printed), n_lost + len(printed - kept)
            n_files += len(event_files(run)) + ledger.exists()
            n_unreadable += unreadable_files(run)
    return Figure(
        f"{n} ends; alerts lost {n_lost} of {n_printed:,}; unreadable files {n_unreadable} "
        f"of {n_files:,}",
        n_lost == n_unreadable == n_odd == 0 and n_printed > n,
    )


def _metrics_lost_s(zygote: Zygote, n: int, rng: random.Random, step_s: float) -> float:
    """The longest time from a step after the last point on disk to a kill, in quiet runs."""
    lost = []
    for _ in range(n):
        with tempfile.TemporaryDirectory() as folder:
            script = zygote.start(QUIET, folder, step_s)
            script.printed("ready")
            time.sleep(rng.uniform(4.0, 6.0))
            now_s = time.time()
            script.kill()
            last = [e.wall_time for path in event_files(Path(folder)) for e in events(path)]
            lost.append(now_s - max(last, default=0.0) - step_s)
    return max(lost)
