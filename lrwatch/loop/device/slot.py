"""A number on its way from a device to the host."""

from abc import ABC, abstractmethod


class Slot(ABC):
    """A number that is to be taken later, or to be given up.

    Several steps may share one, such as a rate: each takes it.
    """

    __slots__ = ()

    @abstractmethod
    def ready(self) -> bool:
        """Whether it may be taken now; never waits."""

    @abstractmethod
    def take(self) -> float:
        """The number; waits if it is not there."""

    @abstractmethod
    def give_up(self) -> None:
        """Free what it takes, without its number."""
