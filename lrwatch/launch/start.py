"""What a Python does at its start below ``lrwatch run``: wait, at no cost, for an optimizer."""

import functools
import os
from types import ModuleType
from typing import Any

from lrwatch.launch.on_import import when_imported
from lrwatch.launch.own_optimizers import TRAINERS, tell_at_fit
from lrwatch.launch.variable import NOBODYS, VARIABLE
from lrwatch.switches import disabled, strict


def start() -> None:
    """Carry out the plan that this process was started with, if it was."""
    if os.environ.get(VARIABLE) and not disabled():
        # The first takes it up, and hands it on so.
        os.environ[VARIABLE] = os.environ[VARIABLE].replace(NOBODYS, f'"pid": {os.getpid()}')
        when_imported("torch.optim.optimizer", _with_optimizers)
        when_imported("ultralytics.utils.callbacks.base", _with_losses_per_image)
        for name in TRAINERS:
            when_imported(name, _with_own_optimizers)


def _with_optimizers(module: ModuleType) -> None:
    """Have every optimizer reported that is made, copied or unpickled.

    All three go through the method in which torch readies a class for step hooks. Unlike
    ``__init__`` it raises nothing, so that no traceback leads through here.
    """
    original = getattr(module.Optimizer, "_patch_step_function", None)
    if original is None:
        _log("this version of torch is not known: nothing is watched")
        return

    @functools.wraps(original)
    def _patch_step_function(self: Any) -> None:
        original(self)
        _report(self)

    module.Optimizer._patch_step_function = _patch_step_function


def _with_losses_per_image(module: ModuleType) -> None:
    try:
        from lrwatch.loop.frameworks.image_loss import by_default

        by_default(module)
    except Exception as error:
        _log("the losses of Ultralytics are sums over the batch", error)


def _with_own_optimizers(module: ModuleType) -> None:
    try:
        tell_at_fit(module)
    except Exception as error:
        _log("the optimizers of a framework are not seen", error)


def _report(optimizer: Any) -> None:
    try:
        from lrwatch.launch.session import session

        session().made(optimizer)
    except Exception as error:
        if strict():
            raise
        _log("an optimizer is not watched", error)


def _log(words: str, error: Exception | None = None) -> None:
    import logging

    logging.getLogger("lrwatch").error(words, exc_info=error)
