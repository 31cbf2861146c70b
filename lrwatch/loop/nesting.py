"""Steps inside of steps: a step() that calls its parent class's has the hooks called twice."""

import inspect
import sys
from typing import Any

from torch.optim import Optimizer


def may_nest(optimizer: Optimizer) -> bool:
    """Whether the class of an optimizer and one that it derives from each have their own step()."""
    classes = [c for c in type(optimizer).__mro__ if c is not Optimizer and "step" in vars(c)]
    return len({inspect.unwrap(vars(c)["step"]) for c in classes}) > 1


def is_inner(optimizer: Optimizer) -> bool:
    """Whether this hook is called by a step() of the optimizer that runs inside of another.

    Torch wraps the step() of every class of which there ever was an instance, so that it cannot be
    known beforehand. To look at the callers costs some microseconds.
    """
    wrapper = getattr(type(optimizer).step, "__code__", None)
    frame: Any = sys._getframe(1)
    n = 0
    while frame is not None and n < 2:
        if frame.f_code is wrapper and frame.f_locals.get("self") is optimizer:
            n += 1
        frame = frame.f_back
    return n > 1
