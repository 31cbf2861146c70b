"""Accelerate: ``attach(accelerator, optimizer)`` watches a loop that an Accelerator runs."""

from collections.abc import Mapping
from typing import Any

import lrwatch
from lrwatch.loop.frameworks.settings import as_backoff, or_default


def attach(
    accelerator: Any,
    optimizer: Any,
    model: Any = None,
    *,
    run_dir: str | bool | None = None,
    backoff: bool | Mapping[str, Any] | lrwatch.Backoff = False,
    checkpoint: bool = True,
    **settings: Any,
) -> lrwatch.Watch:
    """Watch an optimizer after ``accelerator.prepare``; as ``lrwatch.attach`` otherwise.

    Only the main process writes. The watch is registered with the Accelerator, so that
    ``save_state`` and ``load_state`` include it. A back-off that gives the run up raises
    ``TrainingStoppedError`` out of ``optimizer.step()``.

    Args:
        accelerator: The Accelerator of the loop.
        optimizer: What ``prepare`` gave back, or what it was given.
        model: Its model, whose buffers a rewind brings back; None: with back-off, the module
            of this process that has all of these weights.
        run_dir: Where to write. None: ``LRWATCH_RUN_DIR``, else the Accelerator's ``logging_dir``,
            else as ``lrwatch.attach``; False: nowhere.
        backoff: Whether to act on alerts; a ``Backoff``, or a mapping of its fields, sets bounds.
        checkpoint: Whether the watch is part of the Accelerator's checkpoints; False to load one
            that was saved without.
        **settings: More for ``lrwatch.attach``: ``name``, ``total_steps`` and so on.

    Raises:
        TypeError: If ``accelerator`` or ``optimizer`` is none.
        ValueError: If another argument is out of its range.
    """
    if not hasattr(accelerator, "register_for_checkpointing"):
        kind = type(accelerator).__name__
        raise TypeError(f"accelerator must be an accelerate.Accelerator, got {kind}")
    if not accelerator.is_main_process:
        run_dir, settings["stderr"] = False, False
    watch = lrwatch.attach(
        optimizer,
        model,
        run_dir=or_default(run_dir, accelerator.logging_dir),
        backoff=as_backoff(backoff),
        **settings,
    )
    if checkpoint:
        accelerator.register_for_checkpointing(watch)
    return watch
