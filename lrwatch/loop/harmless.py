"""A callback that a framework calls: an error in it is logged once, and the training goes on."""

import functools
from collections.abc import Callable
from typing import Any

from lrwatch.loop.guard import Guard


def harmless(act: Callable[..., None]) -> Callable[..., None]:
    """The same callback, raising nothing unless ``LRWATCH_STRICT=1``.

    A ``LrwatchError``, which is a word to the loop and no failure, passes.
    """

    @functools.wraps(act)
    def shielded(*args: Any, **kwargs: Any) -> None:
        try:
            act(*args, **kwargs)
        except Exception as error:
            Guard(f"the callback {act.__qualname__}").failed(error)

    return shielded
