"""Time within lrwatch's functions, less that within torch's own which they call."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch.nn.utils import clip_grad

Function = Callable[..., Any]


class Inside:
    """Sums up processor time of this thread; its own cost is that of a stretch without lrwatch.

    Attributes:
        spent_s: Seconds within the functions given to ``outer``, less those to ``inner``.
    """

    def __init__(self) -> None:
        self.spent_s = 0.0

    def prepare(self) -> None:
        """Time torch's own functions, to be called before lrwatch wraps them."""
        for owner, name in (
            (torch.autograd, "backward"),
            (clip_grad, "_get_total_norm"),
            (clip_grad, "_clip_grads_with_norm_"),
        ):
            setattr(owner, name, self._timed(getattr(owner, name), -1.0))

    def outer(self, function: Function) -> Function:
        """The function, whose time counts."""
        return self._timed(function, 1.0)

    def _timed(self, function: Function, sign: float) -> Function:
        def timed(*args: Any, **kwargs: Any) -> Any:
            start_s = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.spent_s += sign * (time.thread_time() - start_s)

        return timed
