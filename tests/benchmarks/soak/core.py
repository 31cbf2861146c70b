"""The core alone, for ten million steps: memory and the cost of a step must stay as they are."""

import random
import time
from collections.abc import Iterator
from itertools import count, islice

from lrwatch.records import Step
from lrwatch.watcher import Watcher
from tests.benchmarks.proof.figure import Figure
from tests.benchmarks.soak.resources import Held

CHUNK = 10_000
_N_NOISE = 4099
_WARM_UP = 100_000
_MAX_DEARER = 0.05


def healthy_steps() -> Iterator[Step]:
    """A noisy descent without an end."""
    rng = random.Random(0)
    noise = [rng.gauss(0.0, 0.1) for _ in range(_N_NOISE)]
    for i in count():
        wiggle = noise[i % _N_NOISE]
        loss = 2.0 + 8.0 * (i + 10.0) ** -0.5 + wiggle
        yield Step(step=i, loss=loss, grad_norm=1.0 + 0.5 * wiggle, lr=1e-3)


def seconds_of(watcher: Watcher, steps: Iterator[Step], n: int) -> float:
    """Processor time of the next ``n`` steps."""
    chunk = list(islice(steps, n))
    start_s = time.thread_time()
    for step in chunk:
        watcher.update(step)
    return time.thread_time() - start_s


def soak(n_steps: int) -> Figure:
    """Run ``n_steps``; the last tenth is timed in turn with the first tenth of a new run.

    Taking turns cancels what else happens to the machine: its speed changes by more than the
    difference that is looked for.
    """
    old, steps, part = Watcher(), healthy_steps(), n_steps // 10
    start: Held | None = None
    for done in range(0, n_steps - part, CHUNK):
        if done >= _WARM_UP and start is None:
            start = Held.now()
        seconds_of(old, steps, CHUNK)
    end = Held.now()
    new, again = Watcher(), healthy_steps()
    old_s = new_s = 0.0
    for _ in range(0, part, CHUNK):
        old_s += seconds_of(old, steps, CHUNK)
        new_s += seconds_of(new, again, CHUNK)
    dearer, held = old_s / new_s - 1, end.grown(start or end)
    words = (
        f"{n_steps:,} steps of the core: {held}; {old_s / part * 1e6:.2f} us a step in the last "
        f"{part:,}, {new_s / part * 1e6:.2f} in the first: {100 * dearer:+.1f} %; "
        f"{len(old.alerts)} alerts"
    )
    flat = start is not None and end.rss - start.rss <= 2**20
    return Figure(words, flat and dearer <= _MAX_DEARER)
