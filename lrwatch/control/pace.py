"""How far apart snapshots have to be for them to cost little of the time."""

import math

SHARE = 0.005


class Pace:
    """Steps between two snapshots that keep them at half a per cent of the time.

    From the fastest snapshot so far, as the first also allocates, and from the time that the steps
    since the last one took.
    """

    def __init__(self) -> None:
        self._cost_s = math.inf
        self._ended_s = math.nan
        self._step = 0

    def saved(self, step: int, began_s: float, ended_s: float) -> int:
        """Take a snapshot into account; steps until the next, 0 while no step was timed."""
        self._cost_s = min(self._cost_s, ended_s - began_s)
        n_steps, passed_s = step - self._step, began_s - self._ended_s
        self._step, self._ended_s = step, ended_s
        if not (n_steps > 0 and passed_s > 0.0):
            return 0
        return math.ceil(self._cost_s * n_steps / (SHARE * passed_s))
