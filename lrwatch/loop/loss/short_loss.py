"""The short way of a loss: from backward() into a list, where nothing else need be looked at.

It is open to one optimizer at a time, and to one thread. A loss goes it where the list is empty and
the loss is a plain tensor on the CPU; what is anything else goes the long way, so a second
backward() before the step does, and one inside of another.
"""

import math
from threading import get_ident

_CLOSED = [math.nan]  # never empty

losses: list[float] = _CLOSED
home = 0


def open_to(empty: list[float]) -> None:
    """Put the loss of the next backward() of this thread into a list, at every step."""
    global losses, home
    losses, home = empty, get_ident()


def close() -> None:
    """Let every loss go the long way."""
    global losses
    losses = _CLOSED
