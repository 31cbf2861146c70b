"""Notebooks and IPython: what a cell trained is judged, told and written as the cell ends."""

import sys
import weakref
from collections.abc import Mapping
from typing import Any

from torch.optim import Optimizer

from lrwatch.loop.guard import Guard
from lrwatch.loop.places.outlets import warn
from lrwatch.loop.watch import Watch, steps_here


class Cells:
    """Looks at the watches whenever a cell has ended, for as long as there are any.

    A script ends, and its watches with it; a notebook sits there with the last steps of a cell
    not yet judged, and their alerts would come in whichever cell steps, or attaches, next.

    Args:
        watches: The watches of this process, by their optimizers.
    """

    def __init__(self, watches: Mapping[Optimizer, Watch]) -> None:
        self._watches = watches
        self._guard = Guard("listening to the notebook")
        self._n_ended = 0
        self._n_steps: weakref.WeakKeyDictionary[Watch, int] = weakref.WeakKeyDictionary()
        self._begun: weakref.WeakKeyDictionary[Watch, tuple[str, int]] = weakref.WeakKeyDictionary()

    def begin(self, watch: Watch) -> None:
        """Look at this watch, too, if it was made in a cell."""
        try:
            if (shell := _shell()) is None:
                return
            shell.events.register("post_run_cell", self.ended)
            if (script := _script(shell)) is not None:
                self._begun[watch] = script, self._n_ended
        except Exception as error:  # a shell of another make
            self._guard.failed(error)

    def ended(self, *_: Any) -> None:
        """Judge what the cell trained in this thread; with the last watch gone, listen no more."""
        self._n_ended += 1
        for watch in list(self._watches.values()):
            if steps_here(watch) and watch.n_steps != self._n_steps.get(watch):
                self._n_steps[watch] = watch.n_steps
                watch.flush()
        if not self._watches and (shell := _shell()) is not None:
            shell.events.unregister("post_run_cell", self.ended)

    def close_earlier_runs(self) -> None:
        """End what a script began that ``%run`` runs again: its variables are about to go."""
        script = None if not self._begun else _script(_shell())
        for watch, (of, cell) in list(self._begun.items()):
            if of == script and cell != self._n_ended and not watch.closed:
                warn("the script is run again: the watch of its earlier run ends here")
                watch.close()


def _shell() -> Any:
    """The IPython whose cells run in this process, or None."""
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if get is None else get()


def _script(shell: Any) -> str | None:
    """The script that ``%run`` is running, or None."""
    main = sys.modules.get("__main__")
    if shell is None or main is getattr(shell, "user_module", main):
        return None
    return getattr(main, "__file__", None)
