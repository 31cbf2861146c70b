"""Rows 7 to 11: disks that are full, read-only, gone, hanging or failing, and a second writer."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from lrwatch.sinks.history import read_entries, read_ledger
from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.benchmarks.proof.files import event_files, unreadable_files
from tests.benchmarks.proof.zygote import Ran, Zygote, shared

_HANGS_S = 60.0

# A training of 60 steps that alerts at every third; argv: run directory, what befalls the disk.
TRAINING = """
import contextlib, errno, logging, os, resource, shutil, sys, time, torch, lrwatch
from lrwatch import watcher
from lrwatch.loop import ears
from lrwatch.records import Alert

class Alarming(watcher.Watcher):
    def update(self, step):
        super().update(step)
        if step.step % 3:
            return []
        return [Alert(kind="stall", severity="info", step=step.step, onset=0, message="m" * 200)]

class Warned(logging.Handler):
    n = 0
    def emit(self, record):
        Warned.n += 1

logging.getLogger("lrwatch").addHandler(Warned())
ears.Watcher = Alarming
run, fault, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
own = os.write
calls = 0

def failing(fd, data):
    global calls
    if not os.path.realpath(f"/proc/self/fd/{fd}").startswith(run):
        return own(fd, data)
    calls += 1
    if fault == "hangs" and calls > 3:
        time.sleep(600)
    if calls != number:
        return own(fd, data)
    if fault == "short":
        return own(fd, data[: len(data) // 2])
    raise OSError(getattr(errno, fault), fault)

if fault in ("hangs", "short") or hasattr(errno, fault):
    os.write = failing
if fault == "small":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * number, resource.RLIM_INFINITY))
if fault == "user":
    with contextlib.suppress(PermissionError):  # root may write anywhere; nobody else may do this
        os.setuid(65534)

model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
watch = lrwatch.attach(optimizer, run_dir=run, check_before_step=True, stderr=False)
longest = []
for i in range(60):
    start = time.perf_counter()
    optimizer.zero_grad()
    model(torch.ones(4, 2)).square().mean().backward()
    optimizer.step()
    longest.append(time.perf_counter() - start)
    if fault == "removed" and i == 30:
        shutil.rmtree(run)
    if fault == "small" and i == 45:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
ended = time.perf_counter()
watch.close()
closed = time.perf_counter() - ended
longest.sort()
print("finished", Warned.n, max(longest), longest[-3], closed)
"""


def full(n_sizes: int, n_writes: int) -> Figure:
    """Row 7: a disk that fills up at each of many sizes, and one that is full at the n-th write."""
    zygote = shared()
    sizes = [_tried(zygote, "small", i + 1) for i in range(n_sizes)]
    writes = [_tried(zygote, "ENOSPC", i + 1) for i in range(n_writes)]
    return _summed("sizes and writes at which the disk was full", [*sizes, *writes], warned={0, 1})


FAULTS = ("EIO", "ESTALE", "EINTR", "EDQUOT", "short")


def failing(n: int, faults: Sequence[str] = FAULTS) -> Figure:
    """Row 10: each of the first ``n`` writes fails or is cut short."""
    zygote = shared()
    tried = [_tried(zygote, fault, 1 + i) for i in range(n) for fault in faults]
    return _summed("failing writes", tried, warned={0, 1})


def missing() -> Figure:
    """Row 8: no right to write there; the directory removed while it is written to."""
    zygote = shared()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        closed = Path(folder) / "closed"
        closed.mkdir(mode=0o555)
        denied = zygote.run(TRAINING, closed / "denied", "user", 0)
        removed = zygote.run(TRAINING, Path(folder) / "removed", "removed", 0)
        kept = list(read_ledger(Path(folder) / "removed" / "lrwatch" / "alerts.jsonl"))
    n = sum(ran.out.startswith("finished") for ran in (denied, removed))
    n_warned = int(denied.out.split()[1]) if n else 0
    return together(
        all_of(n, 2, "loops finished"),
        Figure(f"{n_warned} warning without the right to write", n_warned == 1),
        Figure(f"{len(kept)} alerts in the new directory of the removed one", len(kept) >= 9),
    )


def hanging() -> Figure:
    """Row 9: every write after the third takes ten minutes; beside it, a disk that works."""
    zygote, told = shared(), []
    for fault in ("", "hangs"):
        with tempfile.TemporaryDirectory() as folder:
            ran = zygote.run(TRAINING, folder, fault, 0)
        if not ran.out.startswith("finished"):
            return Figure(f"did not finish: {ran.err[-200:]}", False)
        told.append([float(word) for word in ran.out.split()[2:]])
    (_, usual, _), (longest, third, closed) = told
    words = (
        f"third longest of 60 steps {third * 1e3:.1f} ms, {usual * 1e3:.1f} ms on a disk that "
        f"works; longest {longest * 1e3:.0f} ms; close {closed:.1f} s"
    )
    return Figure(words, max(longest, third, closed) < _HANGS_S)


def two_writers() -> Figure:
    """Row 11: two trainings in one run directory."""
    zygote = shared()
    with tempfile.TemporaryDirectory() as folder:
        ran = [script.wait() for script in [zygote.start(TRAINING, folder, "", 0) for _ in "12"]]
        run = Path(folder)
        entries = list(read_entries(run / "lrwatch" / "alerts.jsonl"))
        segments = {entry.run for entry in entries if entry is not None}
        n_alerts = sum(entry is not None and entry.record is not None for entry in entries)
        good = all(r.out.startswith("finished") for r in ran) and not unreadable_files(run)
        n_files = len(event_files(run))
    words = f"{n_files} event files, {n_alerts} alerts of {len(segments)} segments in one ledger"
    return Figure(words, good and n_files == len(segments) == 2 and n_alerts == 40)


def _tried(zygote: Zygote, fault: str, number: int) -> tuple[Ran, int, int, int]:
    """How the training ended; alerts in the ledger; doubled ones; unreadable files."""
    with tempfile.TemporaryDirectory() as folder:
        ran = zygote.run(TRAINING, folder, fault, number)
        ledger = Path(folder) / "lrwatch" / "alerts.jsonl"
        steps = [record.step for record in read_ledger(ledger)] if ledger.exists() else []
        return ran, len(set(steps)), len(steps) - len(set(steps)), unreadable_files(Path(folder))


def _summed(what: str, tried: list[tuple[Ran, int, int, int]], *, warned: set[int]) -> Figure:
    finished = [ran for ran, *_ in tried if ran.out.startswith("finished")]
    n_kept = sum(kept for _, kept, _, _ in tried)
    n_doubled, n_torn = sum(d for _, _, d, _ in tried), sum(t for *_, t in tried)
    warnings = {int(ran.out.split()[1]) for ran in finished}
    return together(
        all_of(len(finished), len(tried), f"{what}: loops finished"),
        all_of(n_kept, 20 * len(tried), "alerts on disk once there is room"),
        Figure(f"lines doubled {n_doubled}, files torn {n_torn}", not n_doubled and not n_torn),
        Figure(f"warnings at most {max(warnings, default=0)}", warnings <= warned),
    )
