"""How a number gets from the device to the host: at once on the CPU, a few steps late elsewhere."""

from collections.abc import Callable
from typing import Protocol

import torch

from lrwatch.loop.device.ring import CudaRing
from lrwatch.loop.device.shelf import Shelf
from lrwatch.loop.device.slot import Slot


def is_capturing() -> bool:
    """Whether work is not done now but captured in a CUDA graph: to ask an event would end that."""
    return torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing()


class Way(Protocol):
    """How numbers of one dtype leave one device."""

    def send(self, value: torch.Tensor) -> Slot | None:
        """Take a tensor of one element; None where there is no room. Never waits."""


class Readback:
    """Reads scalars: a float at once where that costs no waiting, else a :class:`Slot`.

    From CUDA (ROCm included) each is copied behind the training's back. Of another device the
    numbers are fetched together when a step is judged, which then waits for it: about once a
    second, not once a step.

    ``late`` says whether a slot was ever given out, ``is_remote`` whether any number lay elsewhere.

    Args:
        wait: Whether the caller wants every number at once, at the price of waiting.
        new_way: Makes the way for a dtype and device; replaced in tests.
    """

    def __init__(
        self,
        *,
        wait: bool = False,
        new_way: Callable[[torch.dtype, torch.device], Way] | None = None,
    ) -> None:
        self._wait = wait
        self._new_way = new_way or _way
        self._ways: dict[tuple[torch.dtype, torch.device], Way] = {}
        self.n_lost = 0
        self.late = self.is_remote = False

    def read(self, value: torch.Tensor) -> float | Slot | None:
        """The number, or the slot in which it will arrive.

        None where it had to be given up: no slot is free, or a CUDA graph is being captured.
        """
        if value.is_cpu:
            return float(value.item())
        self.is_remote = True
        if is_capturing():
            return None
        return float(value.item()) if self._wait else self.send(value)

    def send(self, value: torch.Tensor) -> Slot | None:
        """Send it on its way to the host; None where there is no room."""
        key = (value.dtype, value.device)
        way = self._ways.get(key)
        if way is None:
            way = self._ways[key] = self._new_way(*key)
        self.late = self.is_remote = True
        slot = way.send(value)
        self.n_lost += slot is None
        return slot


def _way(dtype: torch.dtype, device: torch.device) -> Way:
    return CudaRing(dtype, device) if device.type == "cuda" else Shelf()
