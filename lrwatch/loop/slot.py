"""A number on its way from a device to the host."""

from abc import ABC, abstractmethod


class Slot(ABC):
    """A number that is to be taken later, once, or to be given up."""

    __slots__ = ()

    @abstractmethod
    def ready(self) -> bool:
        """Whether it may be taken now; never waits."""

    @abstractmethod
    def take(self) -> float:
        """The number; waits if it is not there. To be called once."""

    @abstractmethod
    def give_up(self) -> None:
        """Free what it takes, without its number."""
