"""Hands items to a thread that delivers them: the caller never waits, and hears no error."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from lrwatch.sinks.thread import started

Item = TypeVar("Item")

_MAX_WAITING = 100
_CLOSE_S = 5.0

logger = logging.getLogger("lrwatch")


class Errand(Generic[Item]):
    """Deliver items one after the other in a daemon thread.

    Waiting are at most a hundred; of more, the oldest are left out and counted. The first failure
    is said, then only how many there were, when it is closed. What is sent after that opens it
    again: a notebook hands one webhook to watch after watch. In a forked child nothing is sent.

    Args:
        name: What delivers, as the user knows it; said in a failure, so it holds no secret.
        deliver: Delivers an item, and is told how many were left out before it. It returns what
            went wrong, or an empty string; an exception counts as a failure of its type.
        say: Tells the user a line; None for the logger ``lrwatch``.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[Item, int], str],
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._name = name
        self._deliver = deliver
        self._say = say or logger.warning
        self._waiting: deque[Item] = deque()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._is_closing = self._is_busy = False
        self.n_left_out = 0
        self.n_failed = 0

    def send(self, item: Item) -> None:
        """Have an item delivered; returns at once."""
        if os.getpid() != self._pid:
            return
        with self._wake:
            if self._is_closing:
                self._is_closing, self.n_failed = False, 0
            if self._thread is None:
                self._thread = started(self._run, "lrwatch-notify")
            if self._thread is None:
                self._fail("no thread can be started")
                return
            self._waiting.append(item)
            if len(self._waiting) > _MAX_WAITING:
                self._waiting.popleft()
                self.n_left_out += 1
            self._wake.notify_all()

    def close(self, timeout_s: float = _CLOSE_S) -> None:
        """Deliver what waits, as far as the time allows."""
        if self._is_closing or os.getpid() != self._pid:
            return
        end_s = time.monotonic() + timeout_s
        with self._wake:
            self._is_closing = True
            self._wake.notify_all()
            while (self._waiting or self._is_busy) and time.monotonic() < end_s:
                self._wake.wait(end_s - time.monotonic())
        if self.n_failed > 1:
            self._tell(f"{self._name}: {self.n_failed} notifications failed")

    def _run(self) -> None:
        while True:
            with self._wake:
                self._is_busy = False
                self._wake.notify_all()
                while not self._waiting:
                    if self._is_closing:
                        self._thread = None
                        return
                    self._wake.wait()
                item, n_left_out = self._waiting.popleft(), self.n_left_out
                self._is_busy, self.n_left_out = True, 0
            try:
                problem = self._deliver(item, n_left_out)
            except Exception as error:  # its words may hold what is secret
                problem = type(error).__name__
            if problem:
                self._fail(problem)

    def _fail(self, problem: str) -> None:
        self.n_failed += 1
        if self.n_failed == 1:
            self._tell(f"{self._name} failed: {problem}")

    def _tell(self, line: str) -> None:
        try:
            self._say(line)
        except Exception:  # a handler or terminal that raises must not end anything
            return
