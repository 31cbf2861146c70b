"""How hooks live with torch.compile: nearly free in eager code, interpreted where compiled."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch

from lrwatch.loop.guard import Guard

Hook = TypeVar("Hook", bound=Callable[..., Any])

tracing = torch.compiler.is_dynamo_compiling
_frames: Any = getattr(getattr(torch._C, "_dynamo", None), "eval_frame", None)
_tells = hasattr(_frames, "set_code_exec_strategy") and hasattr(_frames, "get_eval_frame_callback")
frame_compiler: Callable[[], Any] = _frames.get_eval_frame_callback if _tells else lambda: True
"""What compiles the frames that are entered now; None in eager code.

That of torch 2.6 gives a reference away that it does not own: asked at every step, it took the last
one of None after some 50,000 steps, which ended the process, or freed a compiler in use. There
everything is taken for compiled, at the cost of some microseconds.
"""


def uncompiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, run by the interpreter; a compiled graph breaks at the call.

    Calling it costs microseconds.
    """
    disabled: Callable[..., Any] = torch.compiler.disable(function)
    return disabled


def interpreted(hook: Hook) -> Hook:
    """The function, as :func:`uncompiled` gives it, but at no cost in eager code.

    Dynamo is told once to leave frames of this function alone, and frames below them. Where a torch
    cannot be told, the function asks at every call whether something compiles frames. Optimizers of
    torch break the graph as well, so that no whole one is lost.
    """
    set_strategy = getattr(_frames, "set_code_exec_strategy", None)
    if set_strategy is None:
        return _asking(hook)
    skip = _frames._FrameAction.SKIP
    set_strategy(hook.__code__, _frames._FrameExecStrategy(skip, skip))
    hook.__dict__["_torchdynamo_disable"] = True
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

    return entry


def step_hook(record: Callable[..., Any]) -> Callable[..., Any]:
    """``record`` as a hook of optimizer steps, which an error in it does not end."""
    guard = Guard("the step hook")

    @interpreted
    def hook(optimizer: Any, args: Any, kwargs: Any) -> Any:
        try:
            return record(optimizer, args, kwargs)
        except Exception as error:
            guard.failed(error)
            return None

    return hook


def _asking(hook: Hook) -> Hook:
    disabled = uncompiled(hook)

    @functools.wraps(hook)
    def asking(*args: Any, **kwargs: Any) -> Any:
        if tracing() or frame_compiler() is not None:
            return disabled(*args, **kwargs)
        return hook(*args, **kwargs)

    return cast(Hook, asking)
