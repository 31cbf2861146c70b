"""Has a controller asked before an update, and leaves it in peace for as long as it is calm."""

from torch.optim import Optimizer

from lrwatch.loop.backoff.intervention import Intervention
from lrwatch.loop.gradient.grad_norm import Cadence
from lrwatch.loop.judgement.judge import Judge
from lrwatch.records import Step


class Asking:
    """What happens between the judgement of a step and its update.

    Args:
        judge: Judges the steps; told how many of them may gather.
        cadence: Of the gradient norm: each step has it unless the controller is calm.

    Attributes:
        intervention: Acts before the update; None where nothing may.
        acted: Whether something has to be put back after this step.
    """

    __slots__ = ("_cadence", "_judge", "acted", "intervention")

    def __init__(self, judge: Judge, cadence: Cadence) -> None:
        self._judge = judge
        self._cadence = cadence
        self.intervention: Intervention | None = None
        self.acted = False

    @property
    def scale(self) -> float:
        """Factor on the rate of the coming update."""
        return 1.0 if self.intervention is None else self.intervention.scale

    def settle(self, optimizer: Optimizer) -> None:
        """Judge what waits, the present step last, and have that acted upon."""
        step = self._judge.judge(wait=self._judge.at_once, current=True)
        if step is not None:
            self.act(optimizer, step)

    def act(self, optimizer: Optimizer, step: Step) -> None:
        """Let the controller act before the update of this step."""
        if self.intervention is not None and not step.skipped:
            self.acted = True
            self.intervention.before(optimizer, step)
            self.renew()

    def lend(self, optimizer: Optimizer) -> None:
        """Scale the rate of an update that the controller is not asked about."""
        if self.intervention is not None:
            self.acted = True
            self.intervention.lend(optimizer)
            self._judge.lr_scale = self.intervention.scale

    def renew(self) -> None:
        """See for how long the controller need not be asked, and what the rate is scaled by."""
        if self.intervention is not None:
            calm = self.intervention.calm
            self._judge.bound(calm)
            self._judge.lr_scale = self.intervention.scale
            self._cadence.press(calm is None)
