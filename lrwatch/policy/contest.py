"""A lower rate, tried from the first weights, against the arm that stood there before."""

from dataclasses import dataclass
from typing import Literal

from lrwatch.policy.arm import Arm
from lrwatch.policy.spread import Mean, mean_of

Outcome = Literal["won", "lost"]
N_TAIL, SURE, SURE_AT_ONCE = 12, 2.0, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Decides whether the challenger goes on or the incumbent comes back.

    Without ``target`` both are compared after the same number of steps, over the last third. With
    one, the challenger has ``n_steps`` to get clearly below it and may win earlier: its incumbent
    has stood on a level for long.

    Attributes:
        incumbent: The arm to come back to; its weights lie in the snapshot "incumbent".
        n_steps: Steps that the challenger has, >= 12.
        target: Level of the incumbent.
        rival: Arm whose losses are compared, where that is not the one to come back to.
    """

    incumbent: Arm
    n_steps: int
    target: Mean | None = None
    rival: Arm | None = None

    def outcome(self, challenger: Arm) -> Outcome | None:
        """The result, or None while it is open."""
        n, losses = challenger.n, challenger.first
        if self.target is None:
            return None if n < self.n_steps else self._side_by_side(losses)
        if n >= N_TAIL + 4 and n % 4 == 0:
            tail = mean_of(losses[-N_TAIL:])
            # One of many looks must show more than the last.
            sure = SURE if n >= self.n_steps else SURE_AT_ONCE
            if tail.value < self.target.value - sure * tail.apart(self.target):
                return "won"
        return None if n < self.n_steps else "lost"

    def _side_by_side(self, losses: list[float]) -> Outcome:
        first = self.n_steps - max(4, self.n_steps // 3)
        theirs = mean_of(losses[first : self.n_steps])
        ours = mean_of((self.rival or self.incumbent).first[first : self.n_steps])
        return "won" if theirs.value < ours.value - SURE * theirs.apart(ours) else "lost"
