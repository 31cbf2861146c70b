"""Row 3: Ctrl-C at every line of lrwatch; it must arrive, and leave files and torch whole."""

import io
import random
import tempfile
from contextlib import redirect_stderr
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from lrwatch.sinks.history import read_entries
from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.benchmarks.proof.files import torn_event_files
from tests.benchmarks.proof.injection import is_ours, quiet_finalizers, traced
from tests.benchmarks.proof.scenarios import acting, plain

# What Python itself runs where no exception can pass: it prints an interrupt there and goes on.
_FINALIZERS = {"_end", "finalize.__call__"}


class _Lines:
    """Counts the lines of lrwatch that the main thread executes, and interrupts one of them."""

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.n = 0
        self.where = ""
        self._at = interrupt_at

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "call":
            return self if is_ours(frame) and not _is_finalizing(frame) else None
        if event == "line":
            self.n += 1
            if self.n == self._at:
                self.where = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
                raise KeyboardInterrupt
        return self


def _is_finalizing(frame: FrameType | None) -> bool:
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__del__" or code.co_qualname in _FINALIZERS:
            return True
        frame = frame.f_back
    return False


def interrupts(share: float, seed: int = 0) -> Figure:
    """Of all lines of two trainings, a ``share`` is interrupted, chosen at random."""
    rng = random.Random(seed)
    n = n_arrived = n_torn = 0
    misses: list[str] = []
    without_gradients: list[str] = []
    with quiet_finalizers():
        for scenario in (plain, acting):
            for line in range(1, _interrupted(scenario, None)[0].n + 1):
                if rng.random() < share:
                    lines, arrived, torn = _interrupted(scenario, line)
                    if not torch.is_grad_enabled():
                        torch.set_grad_enabled(True)
                        without_gradients.append(lines.where)
                    n += lines.n >= line  # the number of lines depends a little on the clock
                    n_arrived, n_torn = n_arrived + arrived, n_torn + torn
                    misses += [lines.where] if lines.n >= line and not arrived else []
    return together(
        all_of(n_arrived, n, "interrupts that reached the caller", misses),
        Figure(f"files torn: {n_torn}", n_torn == 0),
        all_of(n - len(without_gradients), n, "gradients still computed", without_gradients),
    )


def _interrupted(scenario: Any, line: int | None) -> tuple[_Lines, bool, int]:
    """The lines executed, whether the interrupt came out, and how many files are torn."""
    lines = _Lines(line)
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()):
        run = Path(folder)
        try:
            with traced(lines, threads=False) as again:
                scenario(True, again, run)
            arrived = False
        except KeyboardInterrupt:
            arrived = True
        ledger = run / "lrwatch" / "alerts.jsonl"
        entries = list(read_entries(ledger)) if ledger.exists() else []
        return lines, arrived, entries.count(None) + torn_event_files(run)
