"""An optimizer that is none of torch's, as lrwatch can watch it: by one of torch's beside it."""

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from typing import Any

import torch
from torch.optim import Optimizer

State = MutableMapping[torch.Tensor, dict[Any, Any]]


class Shadow(Optimizer):
    """Steps beside another optimizer: with its parameters and rates, and by its update.

    Whatever is watched or scaled here is so for the other one: where the gradients are hidden from
    ``step()`` the update is left out, where the rates are scaled they are handed on so. The other
    one's own state (moments) is the shadow's, too: a rewind brings it back with the weights.

    Args:
        groups: The parameters of every group.
        rates: Gives the rates of the groups, as they are before a step; may be tensors.
        update: Makes the update with these rates; they are the very objects of ``rates`` where
            nothing was scaled.
        state: Gives the other one's state, by parameter as torch's optimizers hold it: the very
            dicts and tensors, as they are written to.
    """

    def __init__(
        self,
        groups: Iterable[Sequence[torch.Tensor]],
        rates: Callable[[], Sequence[Any]],
        update: Callable[[Sequence[Any]], None],
        state: Callable[[], State],
    ) -> None:
        self._rates, self._update, self._state = rates, update, state
        super().__init__([{"params": list(group)} for group in groups], {"lr": 0.0})

    def announce(self) -> None:
        """Take rates and state of the coming step over; to be called just before ``step()``."""
        self.state: Any = self._state()
        for group, rate in zip(self.param_groups, self._rates(), strict=True):
            group["lr"] = rate

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Let the other optimizer make its update, unless the gradients are hidden from it."""
        if any(param.grad is not None for group in self.param_groups for param in group["params"]):
            self._update([group["lr"] for group in self.param_groups])
