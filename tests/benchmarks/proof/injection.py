"""Row 5: an exception in every function of lrwatch that a training goes through."""

import builtins
import contextlib
import gc
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch

import lrwatch
from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.benchmarks.proof.scenarios import SCENARIOS, played

PACKAGE = str(Path(lrwatch.__file__).parent)
_OUTERMOST = (
    "_wrap_",
    "Watch.",
    "_never_fatal",
    "step_hook.",
    "ShortStep.before_step",
    "ShortStep.after_step",
    "Recorder._record_in_closure",
    "left_out.",
    "RateScale._before",
    "RateScale._after",
)
ERRORS: tuple[type[Exception], ...] = (RuntimeError, MemoryError, RecursionError, OSError)


def _can_be_made(found: object) -> bool:
    if not isinstance(found, type) or not issubclass(found, Exception):
        return False
    with contextlib.suppress(TypeError):  # the errors of Unicode want five arguments
        return bool(found("injected"))
    return False


OTHERS: list[type[Exception]] = sorted(
    {found for found in vars(builtins).values() if _can_be_made(found)} - set(ERRORS),
    key=lambda error: error.__name__,
)


def is_ours(frame: FrameType | None) -> bool:
    """Whether the code of the frame is lrwatch's."""
    return frame is not None and frame.f_code.co_filename.startswith(PACKAGE)


def is_inner(frame: FrameType) -> bool:
    """Whether lrwatch called it: what the user or torch calls cannot be guarded from within.

    Nor can what takes the place of a function of torch, as torch's own errors must pass there, or
    what is a single ``try`` itself.
    """
    if frame.f_code.co_qualname.startswith(_OUTERMOST):
        return False
    outer = frame.f_back
    while outer is not None:
        if is_ours(outer):
            return True
        outer = outer.f_back
    return False


@contextmanager
def traced(tracer: Callable[..., Any], *, threads: bool = True) -> Iterator[Callable[[], None]]:
    """Trace this thread or all; yields what turns it on again after the tracer has raised."""

    def again() -> None:
        sys.settrace(tracer)

    before = sys.gettrace()
    if threads:
        threading.settrace(tracer)
    again()
    try:
        yield again
    finally:
        sys.settrace(before)
        threading.settrace(before)


def functions_of(name: str) -> list[CodeType]:
    """The functions of lrwatch that a scenario goes through, from within lrwatch."""
    found: dict[CodeType, None] = {}

    def tracer(frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and is_ours(frame) and is_inner(frame):
            found[frame.f_code] = None

    with traced(tracer) as again:
        played(name, tick=again)
    return list(found)


def _is_let_out(frame: FrameType | None, error: type[Exception]) -> bool:
    """Whether it is for the user: attach() says by these two that an argument is wrong."""
    while frame is not None and issubclass(error, (TypeError, ValueError)):
        if frame.f_code.co_qualname.startswith("_never_fatal"):
            return True
        frame = frame.f_back
    return False


def with_error(name: str, target: CodeType, error: type[Exception], *, once: bool) -> Any:
    """Play a scenario in which a function raises: at its first call, or in every step."""
    n_raised = 0

    def tracer(frame: FrameType, event: str, arg: object) -> None:
        nonlocal n_raised
        is_due = event == "call" and frame.f_code is target and is_inner(frame)
        if is_due and not _is_let_out(frame, error):
            n_raised += 1
            if n_raised == 1 or not once:
                raise error("injected")

    with traced(tracer) as again:
        return played(name, tick=again)


def errors(share: float, seed: int = 0) -> Figure:
    """Row 5: of all cases a ``share`` is tried, chosen at random.

    Every function raises four errors, and one drawn from all that Python has.
    """
    torch.set_num_threads(1)
    rng = random.Random(seed)
    n = n_same = n_finished = n_functions = 0
    misses: set[str] = set()
    with quiet_finalizers():
        for name in SCENARIOS:
            reference = played(name, watched=False)
            functions = functions_of(name)
            n_functions += len(functions)
            for target in functions:
                for error in (*ERRORS, rng.choice(OTHERS)):
                    if rng.random() >= share:
                        continue
                    n += 1
                    try:
                        ended = with_error(name, target, error, once=rng.random() < 0.3)
                    except Exception:
                        misses.add(f"{_name(target)} ({name})")
                        continue
                    n_finished += 1
                    if name == "back-off" or ended.same_as(reference):
                        n_same += 1
                    else:
                        misses.add(f"{_name(target)} ({name}: other weights)")
    return together(
        all_of(n_finished, n, f"loops finished, {n_functions} functions", sorted(misses)),
        all_of(n_same, n, "weights the same bits, but for the back-off that acts"),
    )


def _name(code: CodeType) -> str:
    module = Path(code.co_filename).relative_to(PACKAGE).with_suffix("")
    return f"{module}:{code.co_qualname}"


@contextmanager
def quiet_finalizers() -> Iterator[list[str]]:
    """Keep errors in finalizers and threads, where no caller can see them, off the terminal."""
    seen: list[str] = []
    hooks = sys.unraisablehook, threading.excepthook
    sys.unraisablehook = lambda args: seen.append(repr(args.exc_value))
    threading.excepthook = lambda args: seen.append(repr(args.exc_value))
    try:
        yield seen
        gc.collect()
    finally:
        sys.unraisablehook, threading.excepthook = hooks
