"""All that a range test changes, kept at its beginning, to be given back bit for bit."""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lrwatch.control.slot import parameters
from lrwatch.control.snapshot import Snapshots
from lrwatch.range_test.generators import Generators

_NAME = "before the range test"


class GivenBack:
    """Weights, buffers, moments, options, scaler, random states, gradients and training modes.

    Tensors are written back in place, and buffers that a forward pass has replaced are the same
    objects again. Not kept is state that a module holds outside of parameters and buffers.

    Args:
        modules: The model, and a loss that is a module.
        optimizer: Its state, and the options of its groups.
        loader: For generators of its own, and for its position where it has a ``state_dict``.
        scaler: A GradScaler, or None.
    """

    def __init__(
        self, modules: list[nn.Module], optimizer: Optimizer, loader: Any, scaler: Any
    ) -> None:
        others = () if scaler is None else (scaler,)
        self._snapshots = Snapshots(optimizer, others=others, frozen=True)
        self._snapshots.save(_NAME, 0, exact=True)
        trained = list(parameters(optimizer))
        own = {id(p) for p in trained}
        rest = [p for module in modules for p in module.parameters() if id(p) not in own]
        self._rest = [(p, p.detach().clone()) for p in rest]
        self._buffers = [
            (owner, name, buffer, buffer.detach().clone())
            for owner, name, buffer in _buffers(modules)
        ]
        self._gradients = [(p, p.grad) for p in [*trained, *rest]]
        self._modes = [(m, m.training) for module in modules for m in module.modules()]
        self._loader = loader if _has_position(loader) else None
        self._position = copy.deepcopy(loader.state_dict()) if _has_position(loader) else None
        self._generators = Generators(loader)
        # a scheduler looks there whether step() was called before it, and warns otherwise
        self._opt_called = optimizer.__dict__.get("_opt_called")
        self._optimizer = optimizer

    def rewind(self) -> None:
        """Back to where all runs begin; gradients are dropped, training modes stay."""
        self._load()
        for p, _ in self._gradients:
            p.grad = None

    def restore(self) -> None:
        """Back to how it was found; an interrupt meanwhile is raised when it is done."""
        try:
            self._restore()
        except KeyboardInterrupt:
            self._restore()
            raise

    def _restore(self) -> None:
        self._load()
        for p, gradient in self._gradients:
            p.grad = gradient
        for module, training in self._modes:
            module.training = training
        if self._opt_called is not None:
            self._optimizer.__dict__["_opt_called"] = self._opt_called
        if self._loader is not None:
            self._loader.load_state_dict(copy.deepcopy(self._position))

    @torch.no_grad()
    def _load(self) -> None:
        self._snapshots.load(_NAME, exact=True)
        for p, value in self._rest:
            p.copy_(value)
        for owner, name, buffer, value in self._buffers:
            buffer.copy_(value)
            owner._buffers[name] = buffer
        self._generators.load()


def _buffers(modules: list[nn.Module]) -> Iterator[tuple[nn.Module, str, Tensor]]:
    for module in modules:
        for owner in module.modules():
            for name, buffer in owner._buffers.items():
                if buffer is not None:
                    yield owner, name, buffer


def _has_position(loader: Any) -> bool:
    return hasattr(loader, "state_dict") and hasattr(loader, "load_state_dict")
