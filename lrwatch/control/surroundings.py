"""What a bit-identical continuation needs beside weights and moments: rates, scaler and RNG."""

import copy
from typing import Any

import torch
from torch.optim import Optimizer

from lrwatch.control.generators import Generators


class Surroundings:
    """Options of the parameter groups, schedulers, gradient scaler and random generators.

    A rewind of the back-off leaves all of this alone: the schedule goes on, and so does the data,
    since the same batches in the same order would only bring the same trouble back.

    Args:
        optimizer: Its groups' options, the rate among them, are kept.
        others: Anything with ``state_dict`` and ``load_state_dict``: schedulers, a GradScaler.
    """

    def __init__(self, optimizer: Optimizer, others: tuple[Any, ...] = ()) -> None:
        self._optimizer = optimizer
        self._others = others
        self._options = [
            {name: _own(value) for name, value in group.items() if name != "params"}
            for group in optimizer.param_groups
        ]
        self._states = [copy.deepcopy(other.state_dict()) for other in others]
        self._generators = Generators()

    def load(self) -> None:
        """Bring everything back; a tensor rate keeps its identity."""
        for group, options in zip(self._optimizer.param_groups, self._options, strict=False):
            for name, value in options.items():
                now = group.get(name)
                if isinstance(value, torch.Tensor) and isinstance(now, torch.Tensor):
                    now.copy_(value)
                else:
                    group[name] = _own(value)
        for other, state in zip(self._others, self._states, strict=True):
            other.load_state_dict(copy.deepcopy(state))
        self._generators.load()


def _own(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, torch.Tensor) else copy.deepcopy(value)
