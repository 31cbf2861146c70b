"""Row 23: a training that is killed and goes on from its checkpoint, again and again."""

import random
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from lrwatch.sinks.history import read_entries
from tests.benchmarks.proof.figure import Figure, together
from tests.benchmarks.proof.zygote import shared
from tests.sinks.test_tensorboard import TensorBoard

# The loss tells segment and step; every point is drawn, as steps are slow enough.
RESUMED = """
import json, os, sys, time, torch, lrwatch
run, segment = sys.argv[1], int(sys.argv[2])
checkpoint = os.path.join(run, "checkpoint.json")
weight = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([weight], lr=0.0)
watch = lrwatch.attach(optimizer, run_dir=run, stderr=False)
if os.path.exists(checkpoint):
    watch.load_state_dict(json.load(open(checkpoint)))
print("ready", flush=True)
while True:
    step = watch.n_steps
    optimizer.zero_grad()
    weight.sum().backward()
    watch.observe(float("nan") if step % 29 == 28 else segment * 1000.0 + step % 7)
    optimizer.step()
    time.sleep(0.02)
    if step % 16 == 15:
        with open(checkpoint + ".new", "w") as file:
            json.dump(watch.state_dict(), file)
        os.replace(checkpoint + ".new", checkpoint)
"""


def cycles(n: int, seed: int = 0) -> Figure:
    """``n`` kills of one run, then both loaders of TensorBoard are asked."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        run.mkdir()
        zygote = shared()
        for segment in range(n + 1):
            script = zygote.start(RESUMED, run, segment)
            script.printed("ready")
            time.sleep(rng.uniform(1.5, 3.0))
            script.kill()
        entries = list(read_entries(run / "lrwatch" / "alerts.jsonl"))
        segments = {entry.run for entry in entries if entry is not None}
        loaders = [_read_by(Path(folder), n, load_fast) for load_fast in ("true", "false")]
    kept = Figure(
        f"{len(segments)} segments in the ledger, {entries.count(None)} broken lines",
        len(segments) >= n and None not in entries,
    )
    return together(kept, *loaders)


def _read_by(logdir: Path, n: int, load_fast: str) -> Figure:
    """No point of a segment may stand where a later segment has begun."""
    board = TensorBoard(logdir, load_fast=load_fast)
    try:
        board.wait_for({"run/lrwatch"})
        rows = board.get("data/plugin/scalars/scalars", run="run/lrwatch", tag="lrwatch/loss")
    finally:
        board.stop()
    steps = [row[1] for row in rows]
    segments = [int(float(row[2]) // 1000) for row in rows if row[2] != "NaN"]
    good = steps == sorted(set(steps)) and segments == sorted(segments) and len(steps) > n
    name = "Rust" if load_fast == "true" else "Python"
    zigzags = sum(b < a for a, b in pairwise(segments))
    return Figure(f"{name} loader: {len(steps)} points, {zigzags} zigzags", good)
