"""A sink that cannot write says so once, through logging, and training goes on."""

import logging
import os

_LOG = logging.getLogger("lrwatch")


class Trouble:
    """Reports the first failure of a sink and keeps quiet about the later ones.

    With ``LRWATCH_STRICT=1`` in the environment anything but an OSError is raised instead.

    Args:
        where: What cannot be written, as the user knows it.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._told = False

    def report(self, error: Exception) -> None:
        """Log ``error``, if it is the first."""
        if os.environ.get("LRWATCH_STRICT") == "1" and not isinstance(error, OSError):
            raise error
        if self._told:
            return
        self._told = True
        try:
            _LOG.warning(
                "%s cannot be written (%s); training goes on, writing is tried again later",
                self._where,
                error,
            )
        except Exception:  # a logging handler of the user's that raises must not end a training
            return
