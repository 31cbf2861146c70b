"""A training with everything on: the writer's thread, a run directory, a follower beside it."""

import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import torch
from torch import nn

from lrwatch import attach
from lrwatch.sinks.history import read_ledger
from tests.benchmarks.proof.figure import Figure
from tests.benchmarks.soak.resources import Held

_N_WARM_UP = 10_000
_BAD_EVERY = 50_000


class Loop:
    """A tiny training whose loss is NaN once in fifty thousand steps, and says so."""

    def __init__(self, run_dir: Path) -> None:
        torch.manual_seed(0)
        self._model = nn.Linear(8, 1)
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=1e-3)
        self._x = torch.randn(4, 8)
        self.watch = attach(self._optimizer, run_dir=run_dir, stderr=False)

    def run(self, n_steps: int) -> None:
        """Train on."""
        for i in range(n_steps):
            self._optimizer.zero_grad()
            self._model(self._x).square().mean().backward()
            if i % _BAD_EVERY == _BAD_EVERY // 2:
                self.watch.observe(float("nan"))
            self._optimizer.step()

    def close(self) -> None:
        """End the watch."""
        self.watch.close()


def soak(n_steps: int) -> Figure:
    """Train ``n_steps`` while ``lrwatch tail`` follows; compare what it printed with the ledger."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        out = Path(folder) / "followed"
        with out.open("wb") as stream, closing(Loop(run)) as loop:
            follower = _followed(run, stream.fileno())
            loop.run(_N_WARM_UP)
            start, start_tail = Held.now(), Held.now(follower.pid)
            start_s = time.process_time()
            loop.run(n_steps)
            us = (time.process_time() - start_s) / n_steps * 1e6
            end, end_tail = Held.now(), Held.now(follower.pid)
        told = len(list(read_ledger(run / "lrwatch" / "alerts.jsonl")))
        seen = _lines_once(out, told)
        follower.terminate()
        follower.wait()
        mib = sum(f.stat().st_size for f in (run / "lrwatch").iterdir()) / 2**20
    words = (
        f"{n_steps:,} steps of torch: {end.grown(start)}; follower: {end_tail.grown(start_tail)}; "
        f"{us:.0f} us a step, watch included; {told} alerts told, {seen} followed; {mib:.1f} MiB "
        "of files"
    )
    flat = max(end.rss - start.rss, end_tail.rss - start_tail.rss) <= 2**20
    return Figure(words, flat and told == seen > 0)


def _followed(run: Path, stdout: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "lrwatch", "tail", "-F", "-n", "1000000", "--json", str(run)]
    return subprocess.Popen(command, stdout=stdout)


def _lines_once(path: Path, n: int) -> int:
    """Lines of a file, once there are ``n`` or half a minute is over."""
    for _ in range(300):
        found = path.read_bytes().count(b"\n")
        if found >= n:
            break
        time.sleep(0.1)
    return found
