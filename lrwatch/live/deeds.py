"""Deeds: the actions of a run and their outcomes as signs under its curves."""

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from lrwatch.live.series import Series
from lrwatch.records import Action

_MAX_SIGNS = 200
_SIGNS = {"skip": "×s", "backoff": "▼v", "rewind": "◀<", "ramp": "▲^", "stop": "■x"}  # noqa: RUF001
_HELPED = {True: "✓+", False: "✗-", None: "??"}


class Deeds:
    """The last 200 actions, of which an outcome tells whether they helped.

    Attributes:
        n_done: How many actions there were.
        n_helped: After how many of them the run recovered.
    """

    def __init__(self) -> None:
        self.n_done = self.n_helped = 0
        self._waiting = 0
        self._signs: deque[tuple[int, str]] = deque(maxlen=_MAX_SIGNS)

    def take(self, action: Action) -> None:
        """Take the next action, or outcome."""
        if action.kind == "outcome":
            self.n_helped += self._waiting if action.helped else 0
            self._waiting = 0
            self._signs.append((action.step, _HELPED[action.helped]))
        elif action.kind != "disarm":
            self.n_done += 1
            self._waiting += 1
            self._signs.append((action.step, _SIGNS.get(action.kind, "▼v")))

    def row(self, steps: Series, width: int, *, is_ascii: bool) -> str:
        """A sign at the place of each, where the curves above show the steps in this series."""
        cells = [x for x in steps.cells(width) if x is not None and math.isfinite(x)]
        return _placed(self._signs, cells, is_ascii=is_ascii)


def _placed(signs: Sequence[tuple[int, str]], cells: list[float], *, is_ascii: bool) -> str:
    row = [" "] * len(cells)
    between = [(a + b) / 2 for a, b in pairwise(cells)]
    for step, sign in signs if cells else ():
        row[bisect_right(between, step)] = sign[is_ascii]
    return "".join(row)
