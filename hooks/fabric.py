"""Lightning Fabric: ``attach(fabric, optimizer)`` watches a loop that Fabric runs."""

from collections.abc import Mapping
from typing import Any

import lrwatch
from lrwatch.loop.frameworks.settings import as_backoff, or_default


def attach(
    fabric: Any,
    optimizer: Any,
    model: Any = None,
    *,
    run_dir: str | bool | None = None,
    backoff: bool | Mapping[str, Any] | lrwatch.Backoff = False,
    **settings: Any,
) -> lrwatch.Watch:
    """Watch an optimizer after ``fabric.setup``; as ``lrwatch.attach`` otherwise.

    Only the process of rank zero writes. The watch belongs into the state that ``fabric.save`` and
    ``fabric.load`` are given: ``{"model": model, "optimizer": optimizer, "watch": watch}``. A
    back-off that gives the run up raises ``TrainingStoppedError`` out of ``optimizer.step()``.

    Args:
        fabric: The Fabric of the loop.
        optimizer: What ``setup`` gave back, or what it was given.
        model: Its model, whose buffers a rewind brings back; None: with back-off, the module
            of this process that has all of these weights.
        run_dir: Where to write. None: ``LRWATCH_RUN_DIR``, else the directory of the first logger,
            else as ``lrwatch.attach``; False: nowhere.
        backoff: Whether to act on alerts; a ``Backoff``, or a mapping of its fields, sets bounds.
        **settings: More for ``lrwatch.attach``: ``name``, ``total_steps`` and so on.

    Raises:
        TypeError: If ``fabric`` or ``optimizer`` is none.
        ValueError: If another argument is out of its range.
    """
    if not hasattr(fabric, "is_global_zero") or not hasattr(fabric, "loggers"):
        raise TypeError(f"fabric must be a lightning.Fabric, got {type(fabric).__name__}")
    if not fabric.is_global_zero:
        run_dir, settings["stderr"] = False, False
    return lrwatch.attach(
        optimizer,
        model,
        run_dir=or_default(run_dir, _log_dir(fabric)),
        backoff=as_backoff(backoff),
        **settings,
    )


def _log_dir(fabric: Any) -> str | None:
    for logger in fabric.loggers:
        found: str | None = getattr(logger, "log_dir", None) or logger.root_dir
        return found
    return None
