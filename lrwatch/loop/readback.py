"""How a number gets from the device to the host: at once on the CPU, a few steps late elsewhere."""

from collections.abc import Callable
from typing import Protocol

import torch

_N_SLOTS = 256


def is_capturing() -> bool:
    """Whether work is not done now but captured in a CUDA graph: to ask an event would end that."""
    return torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing()


class Event(Protocol):
    """The part of ``torch.cuda.Event`` that is used."""

    def record(self) -> None:
        """Mark this point of the device's queue."""

    def query(self) -> bool:
        """Whether the device has passed the mark; never waits."""

    def synchronize(self) -> None:
        """Wait until the device has passed the mark."""


class Slot:
    """A number on its way to the host."""

    __slots__ = ("_buffer", "_event", "_free", "_index")

    def __init__(
        self, buffer: torch.Tensor, index: int, event: Event, free: list[tuple[int, Event]]
    ) -> None:
        self._buffer = buffer
        self._index = index
        self._event = event
        self._free = free

    def ready(self) -> bool:
        """Whether it has arrived; never waits."""
        return self._event.query()

    def take(self) -> float:
        """The number; waits if it is not ready. To be called once."""
        self._event.synchronize()
        value = float(self._buffer[self._index])
        self.give_up()
        return value

    def give_up(self) -> None:
        """Free the slot without its number; a later copy comes after this one in the queue."""
        self._free.append((self._index, self._event))


class Ring:
    """Sends numbers of one dtype to preallocated host memory without waiting for the device.

    A slot is used again only after its number was taken; when none is free the number is given up
    (None), as waiting would stop the training.

    Args:
        buffer: Host memory, pinned where there is a device; one element a slot.
        new_event: Makes an event of the device.
    """

    def __init__(self, buffer: torch.Tensor, new_event: Callable[[], Event]) -> None:
        self._buffer = buffer
        self._free: list[tuple[int, Event]] = [(i, new_event()) for i in range(buffer.numel())]

    def send(self, value: torch.Tensor) -> Slot | None:
        """Queue the copy of a tensor of one element on the current stream."""
        if not self._free:
            return None
        index, event = self._free.pop()
        self.copy(index, value.detach().reshape(()))
        event.record()
        return Slot(self._buffer, index, event, self._free)

    def copy(self, index: int, value: torch.Tensor) -> None:
        """Queue the copy of a scalar to a slot."""
        self._buffer[index].copy_(value, non_blocking=True)


class Readback:
    """Reads scalars: a float at once where that costs no waiting, else a :class:`Slot`.

    ``late`` says whether a slot was ever given out, ``is_remote`` whether any number lay elsewhere.

    Args:
        wait: Whether the caller wants every number at once, at the price of waiting.
        new_ring: Makes the ring for a dtype and device; replaced in tests.
    """

    def __init__(
        self,
        *,
        wait: bool = False,
        new_ring: Callable[[torch.dtype, torch.device], Ring] | None = None,
    ) -> None:
        self._wait = wait
        self._new_ring = new_ring or _cuda_ring
        self._rings: dict[tuple[torch.dtype, torch.device], Ring] = {}
        self.n_lost = 0
        self.late = self.is_remote = False

    def read(self, value: torch.Tensor) -> float | Slot | None:
        """The number, or the slot in which it will arrive.

        None where it had to be given up: no slot is free, or a CUDA graph is being captured.
        """
        if not value.is_cuda:
            return float(value.item())
        self.is_remote = True
        if is_capturing():
            return None
        return float(value.item()) if self._wait else self.send(value)

    def send(self, value: torch.Tensor) -> Slot | None:
        """Queue a copy to the host; None where no slot is free."""
        key = (value.dtype, value.device)
        ring = self._rings.get(key)
        if ring is None:
            ring = self._rings[key] = self._new_ring(*key)
        self.late = self.is_remote = True
        slot = ring.send(value)
        self.n_lost += slot is None
        return slot


class _CudaRing(Ring):
    """A ring on one CUDA device: an event has to be recorded on the stream of that device."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(torch.empty(_N_SLOTS, dtype=dtype, pin_memory=True), torch.cuda.Event)
        self._device = device

    def send(self, value: torch.Tensor) -> Slot | None:
        """Queue the copy on the current stream of the ring's own device."""
        with torch.cuda.device(self._device):
            return super().send(value)


def _cuda_ring(dtype: torch.dtype, device: torch.device) -> Ring:
    return _CudaRing(dtype, device)
