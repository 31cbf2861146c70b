"""Notices that a run is about to be saved: ``state_dict()`` of its optimizer or model is called."""

import logging
import os
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakMethod

from torch import nn
from torch.optim import Optimizer

logger = logging.getLogger("lrwatch")

N_APART = 16


class _Hook:
    """What the model keeps; it does not keep what it calls, and a copy of the model calls nothing.

    A model that is pickled holds a built-in in its place, so that it can be read without lrwatch.
    """

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = WeakMethod(call)

    def __call__(self, *_: Any) -> None:
        call = self._call()
        if call is not None:
            call()

    def __reduce__(self) -> tuple[Any, ...]:
        return partial, (slice,)  # takes the three arguments of the hook, and does nothing


class Saving:
    """Calls ``settle`` before the run is saved.

    Whoever averages weights asks for the model's state at every step; that is no saving, so that of
    calls less than 16 steps apart only the first counts.

    Args:
        optimizer: Not kept.
        model: Not kept; None where it is not known.
        settle: Brings the run into a state that may be saved.
        is_safe: Whether that may be done now.
        step: The present step.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        model: nn.Module | None,
        *,
        settle: Callable[[], None],
        is_safe: Callable[[], bool],
        step: Callable[[], int],
    ) -> None:
        self._settle, self._is_safe, self._step = settle, is_safe, step
        self._asked_at = -N_APART
        self._handles = [optimizer.register_state_dict_pre_hook(lambda _: self.now())]
        if isinstance(model, nn.Module):
            self._handles.append(model.register_state_dict_pre_hook(_Hook(self._model_is_asked)))

    def now(self) -> None:
        """Settle, where that is safe; raises nothing into the saving of a run."""
        try:
            if self._is_safe():
                self._settle()
        except Exception as error:
            if os.environ.get("LRWATCH_STRICT") == "1":
                raise
            logger.error("the back-off could not call a trial off", exc_info=error)

    def close(self) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()

    def _model_is_asked(self) -> None:
        before, self._asked_at = self._asked_at, self._step()
        if self._asked_at - before >= N_APART:
            self.now()
