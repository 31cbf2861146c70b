"""Whether a model was given other weights, to go on with them, by ``load_state_dict``."""

from torch import Tensor

from lrwatch.control.exchanged import Exchanged, differ


class Given:
    """Compares a few hundred values before and after the weights are loaded.

    An average that is loaded for a score, and the weights of the training after it, leave what was
    there before: then nothing was given.

    Args:
        exchanged: Looks at the values.
    """

    def __init__(self, exchanged: Exchanged) -> None:
        self._exchanged = exchanged
        self._before: list[Tensor] | None = None
        self._is_other = False

    def before_loading(self) -> None:
        """Remember the weights of now, unless other ones were already given since the last look."""
        if self._before is None:
            self._before = self._exchanged.values()

    def loaded(self) -> None:
        """Look whether the weights are others."""
        if self._before is not None:
            self._is_other = differ(self._before, self._exchanged.values())
            self._before = self._before if self._is_other else None

    def take(self) -> bool:
        """Whether other weights were given since this was last asked."""
        was_other, self._is_other = self._is_other, False
        if was_other:
            self._before = None
        return was_other
