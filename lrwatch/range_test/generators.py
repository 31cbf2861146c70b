"""The random generators that loader, sampler and data set keep for themselves."""

import functools
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch


class Generators:
    """States of the generators that are attributes of a loader or of what it draws from.

    Found are generators of torch, of numpy and of Python's ``random``, one attribute deep; one that
    lies deeper, or in a worker process, is not.

    Args:
        loader: Anything.
    """

    def __init__(self, loader: Any) -> None:
        self._restore = [restore for owner in _owners(loader) for restore in _restorers(owner)]

    def load(self) -> None:
        """Bring all states back."""
        for restore in self._restore:
            restore()


def _owners(loader: Any) -> Iterator[Any]:
    batch_sampler = getattr(loader, "batch_sampler", None)
    samplers = [getattr(loader, "sampler", None), batch_sampler]
    samplers.append(getattr(batch_sampler, "sampler", None))
    seen: set[int] = set()
    for owner in (loader, *samplers, getattr(loader, "dataset", None)):
        if owner is not None and id(owner) not in seen:
            seen.add(id(owner))
            yield owner


def _restorers(owner: Any) -> Iterator[Callable[[], Any]]:
    numpy = sys.modules.get("numpy")
    for value in list(getattr(owner, "__dict__", {}).values()):
        if isinstance(value, torch.Generator):
            yield _setter(value.set_state, value.get_state().clone())
        elif isinstance(value, random.Random):
            yield _setter(value.setstate, value.getstate())
        elif numpy is not None and isinstance(value, numpy.random.Generator):
            bits = value.bit_generator
            yield _setter(functools.partial(setattr, bits, "state"), bits.state)
        elif numpy is not None and isinstance(value, numpy.random.RandomState):
            yield _setter(value.set_state, value.get_state())


def _setter(restore: Callable[[Any], Any], state: Any) -> Callable[[], Any]:
    return lambda: restore(state)
