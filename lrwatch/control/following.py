"""An optimizer that is tied to another one: the same scale, and back to the same step with it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.optim import Optimizer

from lrwatch.control.keeping import Keeping
from lrwatch.control.rate import RateScale
from lrwatch.records import Alert


class Follower:
    """Does with its optimizer what the controller of another one, its leader, does with that.

    It decides nothing: its rates are scaled by the leader's scale, an update that the leader
    leaves out is left out here, too, and its weights go back with the leader's. That is for
    optimizers that train parts of one model in one loop, as Muon beside AdamW. The leader's step
    comes first: what it decides is for the follower's step after it.

    Args:
        optimizer: Held weakly.
        keeping: The leader's; what it saves and brings back is this optimizer's, too.
        scale_of: The leader's scale.
        disarm: Disarms the leader.
        settle: Ends what the leader has on trial; told why, in words.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        keeping: Keeping,
        scale_of: Callable[[], float],
        disarm: Callable[[], None],
        settle: Callable[[str], None],
    ) -> None:
        self._scale_of, self._disarm, self._settle = scale_of, disarm, settle
        self._rate = RateScale(optimizer, explicit=True)
        self._keeping = keeping
        self._snapshots = keeping.tie(optimizer)
        self._n_left_out = keeping.n_left_out

    @property
    def scale(self) -> float:
        """The leader's."""
        return self._scale_of()

    @property
    def calm(self) -> None:
        """Never: what the leader decides is for this step, too."""
        return None

    def passed(self, step: int, loss: float, grad_norm: float | None, rate: float) -> None:
        """Take nothing: no step is told late."""

    def lend(self, optimizer: Optimizer) -> None:
        """Lend the scaled rates."""
        self._rate.scale = self.scale
        self._rate.lend(optimizer)

    def before_step(
        self, optimizer: Optimizer, step: int, loss: float | None, grad_norm: float | None
    ) -> bool | None:
        """Lend the scaled rates; False where the leader has left its update out."""
        self.lend(optimizer)
        before, self._n_left_out = self._n_left_out, self._keeping.n_left_out
        return self._n_left_out == before

    def after_step(self, optimizer: Optimizer, step: int) -> None:
        """Put the schedule's own rates back."""
        self._rate.give_back()

    def on_alerts(self, alerts: Sequence[Alert]) -> None:
        """Leave alerts alone: the leader hears those of the same loss."""

    def leave_loss_out(self, why: str) -> None:
        """Nothing to do: the leader decides."""

    def disarm(self) -> None:
        """Disarm the leader, and so both."""
        self._disarm()

    def state_dict(self) -> dict[str, Any]:
        """Empty: all is in the leader's."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take nothing: all is in the leader's."""

    def close(self) -> None:
        """Give back rates and memory; a trial ends first, as its weights are those of both."""
        self._settle("the watch of a tied optimizer ends")
        self._rate.close()
        self._keeping.untie(self._snapshots)
