"""Written anew: steps of a log that the run made once more after it went back."""

import numpy as np
from numpy.typing import NDArray


def written_anew(steps: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where a later segment, which begins where the steps go back, wrote the same step or lower.

    Args:
        steps: Numbers of the steps, in the order in which they were written.

    >>> written_anew(np.array([0, 1, 2, 1, 2, 3])).tolist()
    [False, True, True, False, False, False]
    """
    found = np.zeros(len(steps), bool)
    cuts = np.flatnonzero(np.diff(steps) < 0) + 1
    if not len(cuts):
        return found
    lowest = np.minimum.accumulate(steps[cuts][::-1])[::-1]
    segment = np.searchsorted(cuts, np.arange(len(steps)), side="right")
    is_earlier = segment < len(cuts)
    found[is_earlier] = steps[is_earlier] >= lowest[segment[is_earlier]]
    return found
