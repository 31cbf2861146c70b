"""Calls that may never be answered: made in a thread, and waited for so long at most."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

_AGAIN_S = 1.0

_Found = TypeVar("_Found")


class _Question(Generic[_Found]):
    """One call, and what came of it."""

    def __init__(self, call: Callable[[], _Found]) -> None:
        self._call = call
        self._found: list[_Found] = []
        self._error: BaseException | None = None
        self.answered = threading.Lock()
        self.answered.acquire()

    def ask(self) -> None:
        """Make the call."""
        try:
            self._found.append(self._call())
        except BaseException as error:  # for the one who waits
            self._error = error
        finally:
            self.answered.release()

    def answer(self) -> _Found:
        """What the call gave back, or raised."""
        if self._error is not None:
            raise self._error
        return self._found[0]


class Asking:
    """Makes calls in a daemon thread, one after the other.

    A store of torch whose host was stopped, or lost its power, leaves a call without an answer, and
    has no limit for it: the process would hang, and never end. Once a call has not been answered in
    time, all others fail at once. Where no thread can be started the caller makes the call.
    """

    def __init__(self) -> None:
        self._questions: SimpleQueue[_Question[Any] | None] = SimpleQueue()
        self._is_begun = self._is_alone = self._is_hanging = False

    def call(self, call: Callable[[], _Found], most_s: float) -> _Found:
        """What the call gives back, or raises.

        Raises:
            TimeoutError: If that is not known after ``most_s`` seconds, or was not once before.
        """
        if not self._is_begun:
            self._begin()
        if self._is_alone:
            return call()
        question = _Question(call)
        if not self._is_hanging:
            self._questions.put(question)
            answered = question.answered
            # Once more, for a process that was stopped meanwhile: the time went by without it.
            self._is_hanging = not (
                answered.acquire(timeout=most_s) or answered.acquire(timeout=_AGAIN_S)
            )
        if self._is_hanging:
            raise TimeoutError(f"no answer within {most_s:g} s")
        return question.answer()

    def end(self) -> None:
        """Let the thread end; there is another one for what is called later."""
        if self._is_begun and not self._is_alone:
            self._questions.put(None)
        self._is_begun = False

    def _begin(self) -> None:
        self._is_begun = True
        questions = self._questions
        thread = threading.Thread(
            target=_answer, args=(questions,), name="lrwatch-ranks", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # there can be no more of them, or Python ends
            self._is_alone = True


def _answer(questions: "SimpleQueue[_Question[Any] | None]") -> None:
    while (question := questions.get()) is not None:
        question.ask()
        del question  # or its call, and all that it holds, would be kept until the next
