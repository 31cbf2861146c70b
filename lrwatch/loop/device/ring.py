"""Copies of numbers from a CUDA device to the host that nobody waits for."""

import math
from collections.abc import Callable
from typing import Protocol

import torch

from lrwatch.loop.device.slot import Slot

N_SLOTS = 4096
"""Room for the 64 steps that may gather, each with 32 losses, its norm and a rate of each group."""


class Event(Protocol):
    """The part of ``torch.cuda.Event`` that is used."""

    def record(self) -> None:
        """Mark this point of the device's queue."""

    def query(self) -> bool:
        """Whether the device has passed the mark; never waits."""

    def synchronize(self) -> None:
        """Wait until the device has passed the mark."""


class Sent(Slot):
    """A number whose copy is queued; ready once the device has passed the mark behind it."""

    __slots__ = ("_buffer", "_event", "_free", "_index", "_number")

    def __init__(
        self, buffer: torch.Tensor, index: int, event: Event, free: list[tuple[int, Event]]
    ) -> None:
        self._buffer = buffer
        self._index = index
        self._event = event
        self._free = free
        self._number: float | None = None

    def ready(self) -> bool:
        """Whether it has arrived; never waits."""
        return self._number is not None or self._event.query()

    def take(self) -> float:
        """The number; waits if it has not arrived."""
        if self._number is None:
            self._event.synchronize()
            return self._end(float(self._buffer[self._index]))
        return self._number

    def give_up(self) -> None:
        """Free the slot without its number; a later copy comes after this one in the queue."""
        if self._number is None:
            self._end(math.nan)

    def _end(self, number: float) -> float:
        """Free the slot, once."""
        self._number = number
        self._free.append((self._index, self._event))
        return number


class Ring:
    """Sends numbers of one dtype to preallocated host memory without waiting for the device.

    A slot is used again only after its number was taken; when none is free the number is given up
    (None), as waiting would stop the training. An event is made when its slot is first used.

    Args:
        buffer: Host memory, pinned where there is a device; one element a slot.
        new_event: Makes an event of the device.
    """

    def __init__(self, buffer: torch.Tensor, new_event: Callable[[], Event]) -> None:
        self._buffer = buffer
        self._new_event = new_event
        self._n_used = 0
        self._free: list[tuple[int, Event]] = []

    def send(self, value: torch.Tensor) -> Slot | None:
        """Queue the copy of a tensor of one element on the current stream."""
        if self._free:
            index, event = self._free.pop()
        elif self._n_used < self._buffer.numel():
            index, event = self._n_used, self._new_event()
            self._n_used += 1
        else:
            return None
        self.copy(index, value.detach().reshape(()))
        event.record()
        return Sent(self._buffer, index, event, self._free)

    def copy(self, index: int, value: torch.Tensor) -> None:
        """Queue the copy of a scalar to a slot."""
        self._buffer[index].copy_(value, non_blocking=True)


class CudaRing(Ring):
    """A ring on one CUDA device: an event has to be recorded on the stream of that device."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(torch.empty(N_SLOTS, dtype=dtype, pin_memory=True), torch.cuda.Event)
        self._device = device

    def send(self, value: torch.Tensor) -> Slot | None:
        """Queue the copy on the current stream of the ring's own device."""
        with torch.cuda.device(self._device):
            return super().send(value)
