"""Numbers that stay on a device until several are fetched at once."""

import math

import torch

from lrwatch.loop.device.slot import Slot

_MAX_HELD = 4096


class Held(Slot):
    """A number that lies on a shelf; to take it fetches all that lie there."""

    __slots__ = ("_shelf", "number")

    def __init__(self, shelf: "Shelf") -> None:
        self._shelf = shelf
        self.number = math.nan

    def ready(self) -> bool:
        """Always, as whoever judges asks only now and then."""
        return True

    def take(self) -> float:
        """The number; waits for the device unless it was fetched with another."""
        self._shelf.fetch(self)
        return self.number

    def give_up(self) -> None:
        """Take it off the shelf."""
        self._shelf.drop(self)


class Shelf:
    """Keeps numbers of one dtype on a device that has no events to ask, such as Apple's MPS.

    To read one waits until the device has done all its work, so that is done once for many: a copy
    of each is kept where it is, and the first that is taken brings all others along.
    """

    def __init__(self) -> None:
        self._held: dict[Held, torch.Tensor] = {}

    def send(self, value: torch.Tensor) -> Slot | None:
        """Keep a copy of a tensor of one element; None where 4,096 lie there already."""
        if len(self._held) >= _MAX_HELD:
            return None
        held = Held(self)
        self._held[held] = value.detach().reshape(()).clone()
        return held

    def fetch(self, wanted: Held) -> None:
        """Bring all to the host in one copy, unless this one is there; waits for the device."""
        if wanted not in self._held:
            return
        numbers = torch.stack([*self._held.values()]).tolist()
        for held, number in zip(self._held, numbers, strict=True):
            held.number = float(number)
        self._held.clear()

    def drop(self, held: Held) -> None:
        """Forget one."""
        self._held.pop(held, None)
