"""Rivals: optimizers of which one's loss goes back through weights that another one trains.

Such are the two halves of a GAN, an actor and its critic, features and the discriminator that they
are to fool. What the loss of either is worth depends on the other, and it may rise for good in a
run that goes well.
"""

from collections.abc import Sequence
from typing import Protocol

N_TURNS = 8
_MAX_BETWEEN = 32


class Rival:
    """Counts how often an optimizer stepped after another one's loss had gone through its weights.

    It went through where the weights were frozen meanwhile, or where the gradients that it left
    there were set to zero. A rival takes turns: after at most 32 such losses of the other it steps
    on one of its own, which reached no other optimizer. After eight turns without a step on a
    shared loss that is no accident. The optimizers of parts of one model step on the same loss, and
    those of phases that follow one another take no turns, so that neither are rivals.

    Attributes:
        declared: Whether this is one of two rivals.
    """

    __slots__ = ("_is_shared", "_n_between", "_n_turns", "declared")

    def __init__(self) -> None:
        self._n_turns = self._n_between = 0
        self._is_shared = self.declared = False

    @property
    def takes_turns(self) -> bool:
        """Whether other losses go through these weights and are not for them."""
        return self._n_turns >= N_TURNS

    def reached(self, *, shared: bool) -> None:
        """Note a loss that gave gradients to these weights, and whether to others as well."""
        self._is_shared |= shared

    def thrown_away(self) -> None:
        """Note that the gradients of the losses so far were set to zero."""
        if self._is_shared:
            self._n_between += 1
        self._is_shared = False

    def went_through(self) -> None:
        """Note a loss of another optimizer while these weights were frozen."""
        self._n_between += 1

    def stepped(self) -> None:
        """Note a step on what reached these weights since the last one."""
        if self._is_shared:
            self._n_turns = 0
        elif 0 < self._n_between <= _MAX_BETWEEN:
            self._n_turns += 1
        self._n_between, self._is_shared = 0, False


class Reached(Protocol):
    """The part of an optimizer's coming step that a backward() may have gone through."""

    rival: Rival

    @property
    def is_frozen(self) -> bool:
        """Whether none of its weights takes gradients now."""


def tell(losses: Sequence[Reached], reached: Sequence[bool]) -> None:
    """Note which of several optimizers one backward() reached, or passed by while frozen."""
    hit = [loss.rival for loss, is_hit in zip(losses, reached, strict=True) if is_hit]
    if not hit:
        return
    through = list(hit) if len(hit) > 1 else []
    for rival in hit:
        rival.reached(shared=len(hit) > 1)
    for loss, is_hit in zip(losses, reached, strict=True):
        if not is_hit and loss.is_frozen:
            loss.rival.went_through()
            through.append(loss.rival)
    for rival in through:
        if rival.takes_turns:
            rival.declared = True
            for other in hit:
                other.declared = True
