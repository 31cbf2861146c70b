"""The same batches for every run: a loader read from its beginning, or an iterator remembered."""

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from lrwatch.errors import LrwatchError


class Feed:
    """Batches without end, that begin anew with every run.

    A loader is iterated again for every run and at the end of its data; with the random states as
    they were the batches are the same. An iterator can be read only once: its batches are kept, and
    repeated where it ends.

    Args:
        loader: A DataLoader, another iterable of batches, or an iterator.
    """

    def __init__(self, loader: Iterable[Any]) -> None:
        self._is_iterator = iter(loader) is loader if _is_cheap(loader) else False
        self._loader = loader if self._is_iterator else _own(loader)
        self._kept: list[Any] = []
        self._batches: Iterator[Any] = iter(())

    @property
    def n_taken(self) -> int:
        """Batches that are gone from an iterator for good."""
        return len(self._kept)

    def rewind(self) -> None:
        """Begin with the first batch again; the random states must be those of the beginning."""
        self._batches = self._all()

    def __next__(self) -> Any:
        return next(self._batches)

    def _all(self) -> Iterator[Any]:
        if self._is_iterator:
            yield from self._kept
            for batch in self._loader:
                self._kept.append(batch)
                yield batch
        while True:
            n = 0
            for batch in self._kept if self._is_iterator else self._loader:
                n += 1
                yield batch
            if not n:
                raise LrwatchError("the loader has no batches")


def _is_cheap(loader: Any) -> bool:
    """Whether ``iter`` may be called without a use for it: a DataLoader would start its workers."""
    return hasattr(loader, "__next__")


def _own(loader: Any) -> Any:
    """A DataLoader whose workers persist gets a twin: iterating it would reset the user's loop."""
    if not getattr(loader, "persistent_workers", False):
        return loader
    twin = copy.copy(loader)
    twin._iterator = None
    return twin
