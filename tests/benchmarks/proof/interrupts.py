"""Row 3: Ctrl-C at every line of lrwatch; it must arrive, and every file must be whole."""

import io
import random
import tempfile
from contextlib import redirect_stderr
from pathlib import Path
from types import FrameType
from typing import Any

from lrwatch.sinks.history import read_entries
from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.benchmarks.proof.files import torn_event_files
from tests.benchmarks.proof.injection import is_ours, quiet_finalizers, traced
from tests.benchmarks.proof.scenarios import acting, plain

# What Python itself runs where no exception can pass: it prints an interrupt there and goes on.
_FINALIZERS = ("__del__", "_end")


class _Lines:
    """Counts the lines of lrwatch that the main thread executes, and interrupts one of them."""

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.n = 0
        self._at = interrupt_at

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "call":
            ours = is_ours(frame) and frame.f_code.co_name not in _FINALIZERS
            return self if ours else None
        if event == "line":
            self.n += 1
            if self.n == self._at:
                raise KeyboardInterrupt
        return self


def interrupts(share: float, seed: int = 0) -> Figure:
    """Of all lines of two trainings, a ``share`` is interrupted, chosen at random."""
    rng = random.Random(seed)
    n = n_arrived = n_torn = 0
    with quiet_finalizers():
        for scenario in (plain, acting):
            for line in range(1, _interrupted(scenario, None)[0] + 1):
                if rng.random() < share:
                    reached, arrived, torn = _interrupted(scenario, line)
                    n += reached >= line  # the number of lines depends a little on the clock
                    n_arrived, n_torn = n_arrived + arrived, n_torn + torn
    return together(
        all_of(n_arrived, n, "interrupts that reached the caller"),
        Figure(f"files torn: {n_torn}", n_torn == 0),
    )


def _interrupted(scenario: Any, line: int | None) -> tuple[int, bool, int]:
    """Lines executed, whether the interrupt came out, and how many files are torn."""
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
        return lines.n, arrived, entries.count(None) + torn_event_files(run)
