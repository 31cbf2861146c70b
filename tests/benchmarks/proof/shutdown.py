"""Rows 6 and 40: ends of the interpreter in many ways, warnings as errors, broken logging."""

import itertools
import tempfile
import time
from pathlib import Path

from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.benchmarks.proof.zygote import Ran, shared

_HANGS_S = 60.0
_BARE_EVERY = 5

_HEAD = """
import atexit, gc, logging, os, signal, sys, threading, time, torch, lrwatch
run = sys.argv[1] if sys.argv[1] != "nowhere" else False
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

def steps(n):
    for i in range(n):
        optimizer.zero_grad()
        (model(torch.ones(4, 2)).square().mean() * (float("nan") if i == {bad} else 1)).backward()
        optimizer.step()

"""

STATES = {
    "open": "watch = lrwatch.attach(optimizer, run_dir=run)\nsteps(9)\n",
    "never kept": "lrwatch.attach(optimizer, run_dir=run)\nsteps(9)\n",
    "closed": "watch = lrwatch.attach(optimizer, run_dir=run)\nsteps(9)\nwatch.close()\n",
    "back-off": "watch = lrwatch.attach(optimizer, model, run_dir=run, backoff=True)\nsteps(9)\n",
    "optimizer dropped": (
        "watch = lrwatch.attach(optimizer, run_dir=run)\nsteps(9)\ndel optimizer, model\n"
    ),
    "in a cycle": (
        "watch = lrwatch.attach(optimizer, run_dir=run)\nsteps(9)\n"
        "optimizer.me = [optimizer, watch]\ndel optimizer, watch\n"
    ),
    "attached twice": (
        "first = lrwatch.attach(optimizer, run_dir=run)\nsteps(5)\n"
        "second = lrwatch.attach(optimizer, run_dir=run)\nsteps(9)\n"
    ),
    "asked at exit": (
        "watch = lrwatch.attach(optimizer, run_dir=run)\nsteps(9)\n"
        "atexit.register(lambda: (steps(2), watch.verdict, watch.alerts, watch.close()))\n"
    ),
    "a thread that trains on": (
        "watch = lrwatch.attach(optimizer, run_dir=run)\n"
        "threading.Thread(target=steps, args=(20,)).start()\n"
    ),
    # It does not train: torch itself aborts where a thread is within it at the end of Python.
    "a daemon thread that never ends": (
        "watch = lrwatch.attach(optimizer, run_dir=run)\nsteps(5)\n"
        "def ask():\n    while True:\n        watch.observe(1.0), watch.alerts, watch.verdict\n"
        "threading.Thread(target=ask, daemon=True).start()\nsteps(9)\n"
    ),
}

ENDS = {
    "its end": ("pass", 0),
    "sys.exit(3)": ("sys.exit(3)", 3),
    "an exception": ("raise ValueError('of the user')", 1),
    "an interrupt": ("os.kill(os.getpid(), signal.SIGINT); time.sleep(5)", -2),
    "an exit out of a with": ("with lrwatch.Watch(): sys.exit(4)", 4),
}

BROKEN_LOGGING = """
class Broken(logging.Handler):
    def emit(self, record):
        raise RuntimeError("broken handler")

logging.getLogger("lrwatch").addHandler(Broken())
logging.getLogger().addHandler(Broken())
if sys.argv[1] != "nowhere":
    open(sys.argv[1], "w").close()
watch = lrwatch.attach(optimizer, run_dir=run)
watch.observe("no number")
lrwatch.attach(optimizer, run_dir=run, check_before_step=True)
steps(30)
print("finished")
"""


def ends(n: int) -> Figure:
    """Row 40: the first ``n`` of 200 ways to end."""
    ways = list(itertools.product(ENDS.items(), STATES.items(), (True, False), (3, -1)))
    ways = [ways[i * len(ways) // n] for i in range(min(n, len(ways)))]
    n_good, misses, took_s, bare_s = 0, [], [0.0], [0.0]
    for i, ((end, (last, code)), (state, lines), writes, bad) in enumerate(ways):
        ran, end_s = _ended(_HEAD.format(bad=bad) + lines, last, writes=writes)
        took_s.append(end_s)
        good = ran.code == code and _is_quiet(ran)
        n_good += good
        misses += [] if good else [f"{state}, then {end}: {ran.code} {ran.err[-300:]!r}"]
        if i % _BARE_EVERY == 0:
            bare_s.append(_ended(_HEAD.format(bad=bad) + "steps(9)\n", last, writes=False)[1])
    words = f"longest end {max(took_s):.1f} s, without lrwatch {max(bare_s):.1f} s"
    return together(
        all_of(n_good, len(ways), "ways to end, exit code unchanged and nothing said", misses),
        Figure(words, max(took_s) < _HANGS_S),
    )


def _ended(lines: str, last: str, *, writes: bool) -> tuple[Ran, float]:
    """How a script ends, and how long its end takes, from its last line on."""
    with tempfile.TemporaryDirectory() as folder:
        script = f"{lines}print('ending', flush=True)\n{last}"
        started = shared().start(script, folder if writes else "nowhere")
        started.printed("ending")
        start_s = time.monotonic()
        return started.wait(), time.monotonic() - start_s


def warned() -> Figure:
    """Row 6: warnings are errors, and every logging handler raises."""
    n_finished = 0
    zygote = shared()
    with tempfile.TemporaryDirectory() as folder:
        for run in ("nowhere", Path(folder) / "a-file-is-in-the-way"):
            ran = zygote.run(_HEAD.format(bad=3) + BROKEN_LOGGING, run)
            n_finished += ran.out == "finished\n" and ran.code == 0 and _is_quiet(ran)
    return all_of(n_finished, 2, "loops finished with -W error and logging that raises")


def _is_quiet(ran: Ran) -> bool:
    return "Exception ignored" not in ran.err and "/lrwatch/" not in ran.err
