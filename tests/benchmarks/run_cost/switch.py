"""Takes lrwatch out of a script that ``lrwatch run`` watches, and puts it back on request."""

import time
from collections.abc import MutableMapping
from typing import Any

from torch.optim import optimizer as torch_optimizer

from lrwatch.launch.closing_line import Trained
from lrwatch.launch.session import Session, session
from lrwatch.loop import patches
from lrwatch.loop.recorder import Recorder
from tests.benchmarks.run_cost.inside import Function, Inside


class Switch:
    """To be used between two steps of a script with one optimizer that steps.

    Off, torch's own functions are in their places, and the hooks of the optimizer do nothing; no
    state is reset, and time stands still for lrwatch: what is due after a second is due after one
    of those in which it was on.

    Args:
        inside: Times what is in the way, on and off.
    """

    def __init__(self, inside: Inside) -> None:
        found = session()
        assert isinstance(found, Session)
        (trained,) = found._trained
        assert isinstance(trained, Trained)
        self._watch = trained.watch
        assert self._watch._recorder is not None
        assert self._watch._judge is not None
        self._recorder, self._judge = self._watch._recorder, self._watch._judge
        self._places = [(one.owner, one.name) for one in patches._originals]
        self._functions = {
            True: [inside.outer(getattr(owner, name)) for owner, name in self._places],
            False: [inside.outer(one.function) for one in patches._originals],
        }
        optimizer: Any = self._recorder._optimizer()
        self._hooks: list[tuple[MutableMapping[int, Any], int, dict[bool, Function]]] = [
            (hooks, key, {True: inside.outer(hook), False: inside.outer(_nothing)})
            for hooks in (
                optimizer._optimizer_step_pre_hooks,
                optimizer._optimizer_step_post_hooks,
                torch_optimizer._global_optimizer_pre_hooks,
                torch_optimizer._global_optimizer_post_hooks,
            )
            for key, hook in hooks.items()
        ]
        setattr(Recorder, "_record_in_closure", inside.outer(Recorder._record_in_closure))  # noqa: B010  (mypy)
        self._off_since_s: float | None = None
        self._is_on: bool | None = None

    @property
    def n_steps(self) -> int:
        """Steps that lrwatch has seen."""
        return self._watch.n_steps

    def turn(self, on: bool) -> None:
        """Have lrwatch in the loop from here on, or not."""
        if on is self._is_on:
            return
        self._is_on = on
        for hooks, key, hook in self._hooks:
            hooks[key] = hook[on]
        for (owner, name), function in zip(self._places, self._functions[on], strict=True):
            setattr(owner, name, function)
        if not on:
            self._off_since_s = time.perf_counter()
        elif self._off_since_s is not None:
            off_s = time.perf_counter() - self._off_since_s
            self._judge.due_s += off_s
            self._recorder._cadence.due_s += off_s
            self._recorder._cadence._last_s += off_s


def _nothing(*args: Any) -> None:
    return None
