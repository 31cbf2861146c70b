"""How hooks live with torch.compile: cheap in eager code, a graph break in compiled code."""

from collections.abc import Callable
from typing import Any

import torch

tracing = torch.compiler.is_dynamo_compiling


def never(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, run by the interpreter where compiled code calls it.

    Wrapping every call in ``torch.compiler.disable`` would cost microseconds in eager code, so a
    hook asks :func:`tracing`, which is a constant for the compiler, and calls this only then.
    """
    disabled: Callable[..., Any] = torch.compiler.disable(function)  # type: ignore[no-untyped-call]
    return disabled
