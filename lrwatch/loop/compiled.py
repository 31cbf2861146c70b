"""How hooks live with torch.compile: nearly free in eager code, interpreted where compiled."""

from collections.abc import Callable
from typing import Any

import torch

from lrwatch.loop.guard import Guard

tracing = torch.compiler.is_dynamo_compiling
_frames = getattr(getattr(torch._C, "_dynamo", None), "eval_frame", None)
frame_compiler: Callable[[], Any] = getattr(_frames, "get_eval_frame_callback", lambda: None)
"""What compiles the frames that are entered now; None in eager code."""


def uncompiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, run by the interpreter; a compiled graph breaks at the call.

    Calling it costs microseconds. So a hook that is called at every step first asks :func:`tracing`
    (a constant for the compiler) and :func:`frame_compiler`, and calls this only below compiled
    code. Optimizers of torch break the graph as well, so that no whole one is lost.
    """
    disabled: Callable[..., Any] = torch.compiler.disable(function)
    return disabled


def no_frame(hook: Callable[..., Any]) -> Callable[..., Any]:
    """The hook itself, which Dynamo from now on never tries to compile as a frame of its own."""
    skip = getattr(_frames, "skip_code", None)
    if skip is not None:
        skip(hook.__code__)
    return hook


def left_out(watched: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """``watched`` in eager code, ``original`` in a compiled graph, which thus stays as it is."""
    disabled = uncompiled(watched)

    def entry(*args: Any, **kwargs: Any) -> Any:
        if tracing():
            return original(*args, **kwargs)
        if frame_compiler() is not None:
            return disabled(*args, **kwargs)
        return watched(*args, **kwargs)

    return no_frame(entry)


def step_hook(record: Callable[..., Any]) -> Callable[..., Any]:
    """``record`` as a hook of optimizer steps, which an error in it does not end."""
    interpreted = uncompiled(record)
    guard = Guard("the step hook")

    def hook(optimizer: Any, args: Any, kwargs: Any) -> Any:
        try:
            if tracing() or frame_compiler() is not None:
                return interpreted(optimizer, args, kwargs)
            return record(optimizer, args, kwargs)
        except Exception as error:
            guard.failed(error)
            return None

    return no_frame(hook)
