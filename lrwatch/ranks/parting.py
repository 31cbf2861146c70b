"""What is to be done before the ranks of a job lose touch: when the process group is destroyed."""

import functools
import os
import sys
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from lrwatch.errors import let_pass

_NAME = "destroy_process_group"


class Listener(Protocol):
    """Judges with others until it is told to part."""

    def part(self) -> None:
        """Say the last word to the others."""


_listeners: "weakref.WeakSet[Any]" = weakref.WeakSet()
_originals: dict[Any, Callable[..., None]] = {}


def listen(listener: Listener) -> None:
    """Tell ``listener`` just before; ``torch.distributed.destroy_process_group`` is wrapped."""
    _listeners.add(listener)
    if _originals:
        return
    for module in ("torch.distributed", "torch.distributed.distributed_c10d"):
        owner = sys.modules[module]
        _originals[owner] = original = vars(owner)[_NAME]
        setattr(owner, _NAME, _wrapped(original))


def unlisten(listener: Listener) -> None:
    """Tell it no more; with the last one torch's own function is put back."""
    _listeners.discard(listener)
    while _originals and not _listeners:
        owner, original = _originals.popitem()
        setattr(owner, _NAME, original)


if hasattr(os, "register_at_fork"):
    # A forked child has the connection of its parent, and no business on it.
    os.register_at_fork(after_in_child=_listeners.clear)


def _wrapped(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def destroy_process_group(group: Any = None) -> None:
        if group is None:
            _tell_all()
        original(group)

    return destroy_process_group


def _tell_all() -> None:
    for listener in list(_listeners):
        try:
            listener.part()
        except Exception as error:  # what is lost is a last word; the training has to end
            let_pass(error)
