"""A sink that cannot write says so once, and training goes on."""

import logging
from collections.abc import Callable

from lrwatch.errors import let_pass
from lrwatch.switches import strict

_LOG = logging.getLogger("lrwatch")


class Trouble:
    """Reports the first failure of a sink, in the log, and keeps quiet about the later ones.

    With ``LRWATCH_STRICT=1`` in the environment anything but an OSError is raised instead.

    Args:
        where: What cannot be written, as the user knows it.
        tell: Told the line too, raises nothing; None where the log is enough.
    """

    def __init__(self, where: str, tell: Callable[[str], None] | None = None) -> None:
        self._where = where
        self._tell = tell
        self._told = False

    def report(self, error: Exception) -> None:
        """Tell ``error``, if it is the first."""
        if strict() and not isinstance(error, OSError):
            raise error
        let_pass(error)
        if self._told:
            return
        self._told = True
        self.say(
            f"{self._where} cannot be written ({error}); training goes on, "
            "writing is tried again later"
        )

    def say(self, words: str) -> None:
        """Tell a line, whatever was told before."""
        try:
            _LOG.warning("%s", words)
        except Exception as raised:  # by a logging handler of the user's
            let_pass(raised)
        if self._tell is not None:
            self._tell(words)
