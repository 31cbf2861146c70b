"""How hooks live with torch.compile: nearly free in eager code, interpreted where compiled."""

from collections.abc import Callable
from typing import Any

import torch

tracing = torch.compiler.is_dynamo_compiling
_compiling_frames: Callable[[], Any] = getattr(
    getattr(getattr(torch._C, "_dynamo", None), "eval_frame", None),
    "get_eval_frame_callback",
    lambda: None,
)


def uncompiled(
    watched: Callable[..., Any], *, traced: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """``watched`` for use where compiled code may call it.

    Wrapping every call in ``torch.compiler.disable`` would cost microseconds in eager code, so that
    is done only below a compiled function. A compiled graph breaks at the call (so does every
    optimizer of torch by itself), or gets ``traced`` instead.

    Args:
        watched: Runs in eager code, with or without a compiled function further up.
        traced: What a compiled graph gets, if it is not to break.
    """
    disabled: Callable[..., Any] = torch.compiler.disable(watched)

    def entry(*args: Any, **kwargs: Any) -> Any:
        if tracing():
            return disabled(*args, **kwargs) if traced is None else traced(*args, **kwargs)
        if _compiling_frames() is not None:
            return disabled(*args, **kwargs)
        return watched(*args, **kwargs)

    return entry
