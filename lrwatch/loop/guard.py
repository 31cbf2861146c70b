"""Keeps an error of lrwatch out of the training loop."""

import logging

from lrwatch.errors import LrwatchError, let_pass
from lrwatch.loop.terminal import on_terminal
from lrwatch.switches import strict

logger = logging.getLogger("lrwatch")
logger.addHandler(logging.NullHandler())

MAX_FAILURES = 3


def log(level: int, words: str, *args: object, error: Exception | None = None) -> None:
    """Log a line; a handler of the user's that raises does not end the training."""
    try:
        logger.log(level, words, *args, exc_info=error)
    except Exception as raised:
        let_pass(raised)


class Guard:
    """Counts the failures of one part; the first is logged, the third puts the part out of use.

    The third is also told on the terminal: from there on something is not seen.

    A :class:`LrwatchError` is no failure but a word to the loop (a back-off that stops the run), so
    it passes; so does everything under ``LRWATCH_STRICT=1``. KeyboardInterrupt and SystemExit are
    never held up, as callers catch ``Exception`` only, and neither is what a handler of a signal
    raised.

    Args:
        part: Name of the part in the log.
    """

    __slots__ = ("_n_failures", "_part", "_strict", "off")

    def __init__(self, part: str) -> None:
        self._part = part
        self._strict = strict()
        self._n_failures = 0
        self.off = False

    @property
    def strict(self) -> bool:
        """Whether the user wants every error to reach the loop."""
        return self._strict

    def failed(self, error: Exception) -> None:
        """Take note of an error; to be called from its ``except`` block, which it may end."""
        if self._strict or isinstance(error, LrwatchError):
            raise error
        let_pass(error)
        self._n_failures += 1
        if self._n_failures == 1:
            log(logging.ERROR, "%s failed, training goes on", self._part, error=error)
        if self._n_failures == MAX_FAILURES:
            self.off = True
            words = f"{self._part} failed {MAX_FAILURES} times and is now left out"
            log(logging.ERROR, "%s", words)
            on_terminal(f"{words} ({type(error).__name__}: {error})")
