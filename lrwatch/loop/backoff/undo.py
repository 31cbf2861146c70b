"""Takes one update back, of an optimizer that hidden gradients may not keep from making it."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

_HOOKS = "_optimizer_"


def keeps_still(optimizer: Optimizer) -> bool:
    """Whether it is known to leave a parameter without a gradient, and its state, alone.

    Torch's own do. Others may raise (``p.grad.data``), or take a missing gradient for zeros and
    move by their momentum.
    """
    return type(optimizer).__module__.startswith(("torch.optim.", "lrwatch."))


class Undo:
    """Weights and state of an optimizer as they are now, to be written back after its update.

    That is all that its attributes hold in dicts, lists and tuples: its groups, their parameters
    and options, the state, and what else it counts or averages; also in optimizers that it steps
    by. A tensor is written to in place. Not kept: gradients, and what lies in objects of another
    kind; nor what a step did before it called its closure.

    Args:
        optimizer: Copied here; its update is then made as it would be without lrwatch.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._tensors: dict[int, tuple[Tensor, Tensor]] = {}
        self._dicts: dict[int, tuple[dict[Any, Any], dict[Any, Any]]] = {}
        self._lists: dict[int, tuple[list[Any] | deque[Any], list[Any]]] = {}
        self._keep(optimizer)

    def write_back(self) -> None:
        """Make all of it what it was."""
        for now, then in self._dicts.values():
            for name in [name for name in now if name not in then]:
                del now[name]
            now.update(then)
        for items, before in self._lists.values():
            items.clear()
            items.extend(before)
        for tensor, copy in self._tensors.values():
            if tensor.shape != copy.shape:
                tensor.data = copy
            else:
                tensor.detach().copy_(copy)

    def _keep(self, value: Any) -> None:
        if isinstance(value, Tensor) and id(value) not in self._tensors:
            self._tensors[id(value)] = value, value.detach().clone()
        elif isinstance(value, Optimizer) and id(value) not in self._dicts:
            self._dicts[id(value)] = vars(value), dict(vars(value))
            self._keep_all(v for name, v in vars(value).items() if not name.startswith(_HOOKS))
        elif isinstance(value, dict) and id(value) not in self._dicts:
            self._dicts[id(value)] = value, dict(value)
            self._keep_all(value.values())
        elif isinstance(value, (list, deque)) and id(value) not in self._lists:
            self._lists[id(value)] = value, list(value)
            self._keep_all(value)
        elif isinstance(value, tuple):
            self._keep_all(value)

    def _keep_all(self, values: Iterable[Any]) -> None:
        for value in values:
            self._keep(value)
