"""The learning rate of every group, as the schedule set it."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch.optim import Optimizer

from lrwatch.errors import let_pass
from lrwatch.loop.device.readback import Readback
from lrwatch.loop.sample import Value

_MAX_GROUPS = 8
_EVERY = 32
PLAIN = {float}


def rate_of(group: Mapping[str, Any]) -> float:
    """The rate of a group; NaN where it has none, as Adafactor that finds its own. May wait."""
    try:
        return float(group.get("lr", math.nan))
    except (TypeError, ValueError, RuntimeError) as error:
        let_pass(error)
        return math.nan


class StepRates:
    """Reads the rates; with more than eight groups only the first at every step, all at times.

    NaN stands for a group that has none.

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
            rates = [group.get("lr") for group in groups]
            are_plain = set(map(type, rates)) == PLAIN
            self._last = tuple(rates if are_plain else map(self._one, groups))
            return self._last
        return (self._one(groups[0]), *self._last[1:])

    def _one(self, group: Mapping[str, Any]) -> Value:
        rate = group.get("lr")
        if isinstance(rate, torch.Tensor) and rate.numel() == 1:
            return self._readback.read(rate.detach())
        return rate_of(group)
