"""One training under one way of watching, stretch by stretch."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lrwatch import attach
from tests.benchmarks.hook_cost import N_WARM
from tests.benchmarks.in_situ import InSitu
from tests.benchmarks.overhead.trackers import TRACKERS, Log, within_backward
from tests.benchmarks.training_step import N_OWN_ROWS, Workload
from tests.benchmarks.usage import all_threads_but_this_s, children_s, memory_mb

SETTLE_S = 0.3
WATCHED: dict[str, dict[str, Any]] = {"lrwatch": {}, "lrwatch, back-off": {"backoff": True}}
WORKLOADS = {
    "1": Workload("1 ms", (128,) * 5, 128, 300),
    "10": Workload("10 ms", (256,) * 6, 384, 60),
    "100": Workload("100 ms", (768,) * 8, 384, 12),
}


@dataclass(slots=True)
class Stretch:
    """What some steps took, in seconds, all of them together; memory in MB.

    Attributes:
        step: Processor time of the training itself.
        hook: Processor time of the watching on the training thread, without the gradient norm.
        norm: That of the norm.
        threads: That of all other threads.
        children: That of processes below.
        wall: Time by the clock.
        n: Steps.
    """

    step: float = 0.0
    hook: float = 0.0
    norm: float = 0.0
    threads: float = 0.0
    children: float = 0.0
    wall: float = 0.0
    memory: float = 0.0
    n: int = 0

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)


class Loop:
    """A training, watched in one way.

    Args:
        way: Name of the way; of none where there is no such.
        workload: What is trained.
        folder: For what it writes.
    """

    def __init__(self, way: str, workload: Workload, folder: Path) -> None:
        self._training = workload.build()
        self._n_steps = workload.n_steps
        self._number = 0
        self._stack = ExitStack()
        self._in_situ: InSitu | None = None
        self._log: Log | None = None
        if way in WATCHED:
            self._watch(folder, WATCHED[way])
        elif way in TRACKERS:
            self._log, close = TRACKERS[way](self._training.model, folder)
            self._stack.callback(close)

    def stretch(self) -> Stretch:
        """Train some steps; then wait until the threads have nothing left to do."""
        found = Stretch(n=self._n_steps)
        if self._in_situ is not None:
            self._in_situ.reset()
        threads_s, children = all_threads_but_this_s(), children_s()
        start_s = time.perf_counter()
        for _ in range(self._n_steps):
            self._step(found)
        found.wall = time.perf_counter() - start_s
        time.sleep(SETTLE_S)
        found.threads = all_threads_but_this_s() - threads_s
        found.children = children_s() - children
        found.memory = memory_mb()
        if self._in_situ is not None:
            found.hook = self._in_situ.hook_s * found.n
            found.norm = self._in_situ.norm_s * found.n / max(self._in_situ.n_watched, 1)
            found.step -= found.hook + found.norm
        return found

    def close(self) -> None:
        """End the watching."""
        self._stack.close()

    def _watch(self, folder: Path, settings: dict[str, Any]) -> None:
        training = self._training
        self._in_situ = InSitu(training.optimizer, control=0.1)
        begin: Callable[[], Any] = lambda: attach(  # noqa: E731
            training.optimizer, training.model, run_dir=folder, stderr=False, **settings
        )
        self._stack.enter_context(self._in_situ.around(begin))
        for _ in range(N_WARM):  # the first 256 have the norm every time
            self._in_situ.next_step()
            training.step(N_OWN_ROWS)

    def _step(self, found: Stretch) -> None:
        if self._in_situ is not None:
            self._in_situ.next_step()
        self._number += 1
        within_s, start_s = within_backward.total_s, time.thread_time()
        loss = self._training.step()
        ended_s = time.thread_time()
        within_s = within_backward.total_s - within_s
        found.step += ended_s - start_s - within_s
        found.hook += within_s
        if self._log is not None:
            self._log(self._number, loss)
            found.hook += time.thread_time() - ended_s
