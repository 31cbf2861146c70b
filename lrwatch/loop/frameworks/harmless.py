"""A callback that a framework calls: an error in it is told, and the training goes on."""

import functools
from collections.abc import Callable
from typing import Any

from lrwatch.loop.guard import Guard
from lrwatch.loop.terminal import on_terminal


def harmless(act: Callable[..., None]) -> Callable[..., None]:
    """The same callback, raising nothing unless ``LRWATCH_STRICT=1``.

    A ``LrwatchError``, which is a word to the loop and no failure, passes. Every failure is logged,
    and the first also told on the terminal: the run may go unwatched from there on.
    """
    part = f"the callback {act.__qualname__}"
    is_told = False

    @functools.wraps(act)
    def shielded(*args: Any, **kwargs: Any) -> None:
        nonlocal is_told
        try:
            act(*args, **kwargs)
        except Exception as error:
            Guard(part).failed(error)
            if not is_told:
                is_told = True
                on_terminal(f"{part} failed, training goes on ({type(error).__name__}: {error})")

    return shielded
