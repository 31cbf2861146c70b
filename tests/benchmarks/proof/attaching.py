"""Row 14: a watch that is attached and closed again and again leaves nothing behind."""

import gc
import statistics
import sys
from collections.abc import Callable
from itertools import pairwise

import torch

from lrwatch import Watch, attach
from tests.benchmarks.proof.figure import Figure
from tests.benchmarks.proof.lifetimes import made, step
from tests.benchmarks.soak.resources import Held


def attachments(n: int) -> Figure:
    """Row 14: attach and close, ``n`` times, a step in each; then the same with bare hooks.

    Python and the allocator take a mebibyte at once now and then, whoever asks for it: a leak grows
    in every fifth of the second half, they grow in one.
    """
    model, optimizer = made()
    x, functions = torch.ones(4, 2), (torch.autograd.backward, torch.nn.utils.clip_grad_value_)

    def watched(times: int) -> None:
        for i in range(times):
            with attach(optimizer, model, run_dir=False, stderr=False, backoff=i % 2 == 1):
                step(model, optimizer, x)

    def bare(times: int) -> None:
        for _ in range(times):
            before = optimizer.register_step_pre_hook(lambda *_: None)
            after = optimizer.register_step_post_hook(lambda *_: None)
            step(model, optimizer, x)
            before.remove()
            after.remove()

    watches, blocks, n_threads, kib = _repeated(watched, n)
    kib_of_torch = _repeated(bare, n)[-1]
    hooks = len(optimizer._optimizer_step_pre_hooks) + len(optimizer._optimizer_step_post_hooks)
    same = functions == (torch.autograd.backward, torch.nn.utils.clip_grad_value_)
    grown = statistics.median(kib)
    words = f"{n:,} cycles: {hooks} hooks, {watches} watches, {n_threads} threads left; in the "
    words += f"fifths of their second half {_listed(kib)} KiB, {blocks:+d} of Python's blocks; "
    words += f"with hooks that do nothing {_listed(kib_of_torch)} KiB"
    flat = n < 5000 or (grown < 64 and blocks < n // 10)
    return Figure(words, flat and same and hooks == watches == n_threads == 0)


def _repeated(cycle: Callable[[int], None], n: int) -> tuple[int, int, int, list[float]]:
    """What is left after the second half of ``n`` cycles, and how memory grew in its fifths."""

    def watches() -> int:
        return sum(type(thing) is Watch for thing in gc.get_objects())

    cycle(n // 2)
    before, blocks, n_before, held = Held.now(), sys.getallocatedblocks(), watches(), []
    for _ in range(5):
        cycle(n // 10)
        held.append(Held.now())
    kib = [(b.rss - a.rss) / 1024 for a, b in pairwise([before, *held])]
    n_blocks = sys.getallocatedblocks() - blocks
    return watches() - n_before, n_blocks, held[-1].n_threads - before.n_threads, kib


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:+.0f}" for value in values)
