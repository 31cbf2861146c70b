"""What a bit-identical continuation needs beside weights and moments: rates, scaler and RNG."""

import copy
import random
import sys
from typing import Any

import torch
from torch.optim import Optimizer


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
        self._random = random.getstate()
        numpy = sys.modules.get("numpy")
        self._numpy = None if numpy is None else numpy.random.get_state()
        self._torch = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []

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
        random.setstate(self._random)
        if self._numpy is not None:
            sys.modules["numpy"].random.set_state(self._numpy)
        torch.set_rng_state(self._torch)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)


def _own(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, torch.Tensor) else copy.deepcopy(value)
