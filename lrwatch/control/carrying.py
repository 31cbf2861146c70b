"""Carries a move out: what is written first, then the weights, then the rate."""

from collections.abc import Callable

from lrwatch.control.action import action_of
from lrwatch.control.keeping import Keeping
from lrwatch.control.rate import RateScale
from lrwatch.control.snapshot import Snapshots
from lrwatch.control.stopped import TrainingStoppedError
from lrwatch.policy.move import Move, Seen
from lrwatch.records import Action


class Carrying:
    """The hands of the controller.

    Args:
        rate: Of the optimizer.
        snapshots: Of its weights.
        keeping: Brings them back, with all that goes with them.
        write: Tells an action.
        refuse: Called in place of all the rest in a dry run; None where this is none.

    Attributes:
        trouble: Number of the trouble that is answered now, 0 for none.
    """

    def __init__(
        self,
        rate: RateScale,
        snapshots: Snapshots,
        keeping: Keeping,
        *,
        write: Callable[[Action], None],
        refuse: Callable[[], None] | None,
    ) -> None:
        self._rate, self._snapshots, self._keeping = rate, snapshots, keeping
        self._write, self._refuse = write, refuse
        self.trouble = 0

    def carry_out(self, move: Move, seen: Seen) -> bool:
        """Whether the update of this step is to be made.

        Args:
            move: What is to be done.
            seen: The step.

        Raises:
            TrainingStoppedError: If the run is to end.
        """
        if move.kind == "outcome" and self._refuse is not None:
            return True  # of a move that was not made
        action = action_of(
            move,
            seen,
            scale=self._rate.scale,
            trouble=self.trouble,
            to_step=self._snapshots.steps.get(move.load or ""),
            dry_run=self._refuse is not None,
        )
        self._write(action)
        if self._refuse is not None:
            self._refuse()
            return True
        if move.kind == "stop":
            raise TrainingStoppedError(action)
        if move.save:
            self._keeping.save(move.save, seen.step)
        if move.load:
            self._keeping.load(move.load, buffers=move.buffers)
        if move.kind == "skip":
            self._snapshots.mend_buffers()
        if move.scale is not None:
            self._rate.scale = move.scale
        return move.kind not in ("skip", "rewind")
