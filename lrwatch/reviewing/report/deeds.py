"""Deeds: what lrwatch did to a run, each action with what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from lrwatch.records import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One action.

    Attributes:
        action: What was done.
        outcome: What was told of it later; None if nothing was.
    """

    action: Action
    outcome: Action | None = None

    @property
    def helped(self) -> bool | None:
        """Whether the run recovered; None if that is not known."""
        return None if self.outcome is None else self.outcome.helped


def deeds(actions: Iterable[Action]) -> list[Deed]:
    """The actions of a run in their order; an outcome tells of all that were done since the last.

    One that no action came before, as its line was lost, stands alone.
    """
    found, waiting = list[Deed](), list[Action]()
    for action in actions:
        if action.kind != "outcome":
            waiting.append(action)
            continue
        found += [Deed(action=one, outcome=action) for one in waiting or [action]]
        waiting = []
    return found + [Deed(action=one) for one in waiting]
