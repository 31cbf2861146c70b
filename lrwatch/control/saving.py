"""Notices that a run is saved, or other weights are loaded, by its optimizer or its model."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from weakref import WeakMethod

from torch import nn
from torch.jit import ScriptModule
from torch.optim import Optimizer

from lrwatch.control.exchanged import Exchanged
from lrwatch.control.given import Given
from lrwatch.control.owner import inmost
from lrwatch.errors import let_pass
from lrwatch.switches import strict

logger = logging.getLogger("lrwatch")

N_APART = 16


@contextmanager
def _never_fatal(words: str) -> Iterator[None]:
    """Raise nothing into the saving and loading of a run."""
    try:
        yield
    except Exception as error:
        if strict():
            raise
        let_pass(error)
        logger.error(words, exc_info=error)


class _Hook:
    """What the model keeps; it does not keep what it calls, and a copy of the model calls nothing.

    A model that is pickled holds one of Python's own in its place: it can be read without lrwatch.
    """

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = WeakMethod(call)

    def __call__(self, *_: Any) -> None:
        call = self._call()
        if call is not None:
            call()

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (nullcontext(), "__exit__")  # takes any arguments, and returns None


class Saving:
    """Calls ``settle`` before the run is saved, or gets other weights.

    Whoever averages weights asks for the model's state at every step; that is no saving, so that of
    calls less than 16 steps apart only the first counts, unless the optimizer's state was asked for
    right after the last.

    Args:
        optimizer: Not kept.
        model: Not kept; None where it is not known.
        settle: Brings the run into a state that may be saved; told why, in words.
        is_safe: Whether that may be done now.
        step: The present step.

    Attributes:
        exchanged: Whether others have put weights in place for a while, such as an average for a
            score: nothing is settled then.
        given: Whether the model was given other weights, to go on with them.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        model: nn.Module | None,
        *,
        settle: Callable[[str], None],
        is_safe: Callable[[], bool],
        step: Callable[[], int],
    ) -> None:
        self._settle, self._is_safe, self._step = settle, is_safe, step
        self.exchanged = Exchanged(optimizer)
        self.given = Given(self.exchanged)
        self._asked_at, self._saves_both = -N_APART, False
        self._handles = [
            optimizer.register_state_dict_pre_hook(lambda _: self._optimizer_is_asked()),
            optimizer.register_load_state_dict_pre_hook(lambda *_: self._loads()),
        ]
        if isinstance(model, nn.Module) and not isinstance(model, ScriptModule):
            inner = inmost(model, optimizer)
            asked, loads = _Hook(self._model_is_asked), _Hook(self._model_loads)
            self._handles.append(inner.register_state_dict_pre_hook(asked))
            self._handles.append(inner.register_load_state_dict_pre_hook(loads))
            self._handles.append(inner.register_load_state_dict_post_hook(_Hook(self._has_loaded)))

    def now(self, why: str = "the run is being saved") -> None:
        """Settle, where that is safe; raises nothing into the saving of a run."""
        with _never_fatal("the back-off could not call a trial off"):
            if self._is_safe() and not self.exchanged.seen():
                self._settle(why)

    def close(self) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()

    def _loads(self) -> None:
        self.now("other weights are loaded")

    def _model_loads(self) -> None:
        self._loads()
        with _never_fatal("the back-off does not see what is loaded"):
            self.given.before_loading()

    def _has_loaded(self) -> None:
        with _never_fatal("the back-off does not see what was loaded"):
            self.given.loaded()

    def _optimizer_is_asked(self) -> None:
        self._saves_both = self._asked_at == self._step()
        self.now()

    def _model_is_asked(self) -> None:
        before, self._asked_at = self._asked_at, self._step()
        saves_both, self._saves_both = self._saves_both, False
        if saves_both or self._asked_at - before >= N_APART:
            self.now()
