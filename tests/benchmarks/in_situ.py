"""Times what lrwatch does on the training thread, where a loop calls it: processor time.

A hook that costs 3 us in a tight loop costs 30 us between two training steps, when the caches hold
none of it; so does the timing itself. Therefore lrwatch is left out of some steps, by chance: what
the timing then seems to cost is taken off. Time of the gradient norm is counted by itself.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
from torch.optim import Optimizer

from lrwatch.loop.gradient.step_norm import StepNorm

clock = time.thread_time


class Entry:
    """Calls of one function: mean time where it was called, less that where it was left out."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start anew."""
        self.total, self.n = [0.0, 0.0], [0, 0]

    @property
    def mean_s(self) -> float:
        """Seconds a call."""
        with_it, without = (t / max(n, 1) for t, n in zip(self.total, self.n, strict=True))
        return with_it - without if self.n[0] else 0.0


class InSitu:
    """Entries of lrwatch into a loop with one optimizer.

    Args:
        optimizer: The one that is watched.
        control: Share of the steps that lrwatch is left out of, as a fraction.

    Attributes:
        norm_s, n_norms: What the gradient norm took; no part of ``hook_s``.
    """

    def __init__(self, optimizer: Optimizer, *, control: float = 0.2) -> None:
        self._optimizer = optimizer
        self._control = control
        self._rng = random.Random(0)
        self._is_on = True
        self._inner_s = 0.0
        self._backward = Entry()
        self._hooks: list[Entry] = []
        self.norm_s, self.n_norms = 0.0, 0

    @property
    def hook_s(self) -> float:
        """Seconds a step in the hooks, mean, without the norm."""
        return sum(entry.mean_s for entry in (self._backward, *self._hooks))

    @property
    def n_watched(self) -> int:
        """Steps that lrwatch was not left out of."""
        return self._backward.n[0]

    def reset(self) -> None:
        """Start anew."""
        for entry in (self._backward, *self._hooks):
            entry.reset()
        self.norm_s, self.n_norms = 0.0, 0

    def next_step(self) -> None:
        """To be called before each step of the loop."""
        self._is_on = self._rng.random() >= self._control

    @contextmanager
    def around(self, attach: Callable[[], Any]) -> Iterator[None]:
        """Attach and time; afterwards all is as before."""
        with ExitStack() as stack:
            norm = self._inner(StepNorm.computed, is_norm=True)
            stack.enter_context(mock.patch.object(StepNorm, "computed", norm))
            own = self._inner(torch.autograd.backward)
            stack.enter_context(mock.patch.object(torch.autograd, "backward", own))
            stack.enter_context(attach())
            timed = self._timed(torch.autograd.backward, own, self._backward)
            stack.enter_context(mock.patch.object(torch.autograd, "backward", timed))
            for hooks in (
                self._optimizer._optimizer_step_pre_hooks,
                self._optimizer._optimizer_step_post_hooks,
            ):
                for key in list(hooks):
                    self._hooks.append(Entry())
                    hooks[key] = self._timed(hooks[key], _nothing, self._hooks[-1])
            yield

    def _timed(
        self, function: Callable[..., Any], instead: Callable[..., Any], entry: Entry
    ) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            call = function if self._is_on else instead
            inner_s, start_s = self._inner_s, clock()
            result = call(*args, **kwargs)
            spent_s = clock() - start_s - (self._inner_s - inner_s)
            entry.total[not self._is_on] += spent_s
            entry.n[not self._is_on] += 1
            return result

        return timed

    def _inner(self, function: Callable[..., Any], *, is_norm: bool = False) -> Callable[..., Any]:
        def inner(*args: Any, **kwargs: Any) -> Any:
            start_s = clock()
            result = function(*args, **kwargs)
            spent_s = clock() - start_s
            self._inner_s += spent_s
            if is_norm:
                self.norm_s += spent_s
                self.n_norms += 1
            return result

        return inner


def _nothing(*args: Any) -> None:
    return None
