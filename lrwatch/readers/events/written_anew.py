"""Written anew: steps of a log that the run made once more after it went back."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def written_anew(
    steps: NDArray[np.int64], starts: Sequence[tuple[int, int]] | None = None
) -> NDArray[np.bool_]:
    """Where a later segment began at the same step or a lower one.

    Args:
        steps: Numbers of the steps, in the order in which they were written.
        starts: How many were written before each later segment, and its first step; None: a segment
            begins where the steps go back.

    >>> written_anew(np.array([0, 1, 2, 1, 2, 3])).tolist()
    [False, True, True, False, False, False]
    >>> written_anew(np.array([0, 1, 2, 3]), [(2, 1)]).tolist()
    [False, True, False, False]
    """
    if starts is None:
        at = np.flatnonzero(np.diff(steps) < 0) + 1
        begun = steps[at]
    else:
        at, begun = np.array(starts, np.int64).reshape(-1, 2).T
    if not len(at):
        return np.zeros(len(steps), bool)
    lowest_to_come = np.minimum.accumulate(begun[::-1])[::-1]
    last = np.iinfo(np.int64).max
    following = np.searchsorted(at, np.arange(len(steps)), side="right")
    found: NDArray[np.bool_] = steps >= np.append(lowest_to_come, last)[following]
    return found
