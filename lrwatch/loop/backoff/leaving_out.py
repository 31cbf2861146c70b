"""Leaves the loss out of what is judged and acted upon, where two optimizers are rivals."""

from collections.abc import Callable

from lrwatch.loop.backoff.asking import Asking
from lrwatch.loop.judgement.judge import Judge
from lrwatch.ranks import job

WHY = "another optimizer's loss goes through the same weights, as in adversarial training"


class LeavingOut:
    """Called at every step of an optimizer that was found to be a rival; acts at the first.

    Args:
        judge: Judges the steps.
        asking: Has the back-off, if there is one.
        notice: Says a line to the user.
        name: Name of the optimizer, where it has one.
    """

    def __init__(
        self, judge: Judge, asking: Asking, notice: Callable[[str], None], name: str | None
    ) -> None:
        self._judge, self._asking, self._notice, self._name = judge, asking, notice, name

    def __call__(self) -> None:
        """Judge gradients and non-finite values alone from here on, and say so on rank 0."""
        if self._judge.watcher.surrogate:
            return
        self._judge.leave_loss_out(WHY)
        if self._asking.intervention is not None:
            self._asking.intervention.leave_loss_out(WHY)
            self._asking.renew()
        if not job.rank():
            of = f"{self._name}: " if self._name else ""
            self._notice(
                f"{of}the loss is not judged from here on, as this optimizer and another are "
                "adversaries (a GAN, actor and critic); surrogate=False, or lrwatch run "
                "--no-surrogate, has it judged"
            )
