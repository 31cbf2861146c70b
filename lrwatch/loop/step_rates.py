"""The learning rate of every group, as the schedule set it."""

import math
from typing import Any

import torch
from torch.optim import Optimizer

from lrwatch.loop.readback import Readback
from lrwatch.loop.sample import Value

_MAX_GROUPS = 8
_EVERY = 32


class StepRates:
    """Reads the rates; with more than eight groups only the first at every step, all at times.

    Args:
        readback: Reads tensor rates from their device.
    """

    def __init__(self, readback: Readback) -> None:
        self._readback = readback
        self._last: tuple[Value, ...] = ()

    def take(self, optimizer: Optimizer, step: int) -> tuple[Value, ...]:
        """The rates of this step."""
        groups = optimizer.param_groups
        if len(groups) == 1 and type(rate := groups[0].get("lr")) is float:
            return (rate,)
        if len(groups) <= _MAX_GROUPS or step % _EVERY == 0 or len(groups) != len(self._last):
            self._last = tuple([self._one(group.get("lr")) for group in groups])
            return self._last
        return (self._one(groups[0].get("lr")), *self._last[1:])

    def _one(self, rate: Any) -> Value:
        if type(rate) is float:
            return rate
        if isinstance(rate, torch.Tensor):
            return self._readback.read(rate.detach())
        return math.nan if rate is None else float(rate)
