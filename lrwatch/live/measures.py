"""Measures: what a glance at a run needs of its steps, in constant memory."""

from lrwatch.live.pulse import Pulse
from lrwatch.live.series import Series
from lrwatch.records import Step


class Measures:
    """Loss, gradient norm, rate and pulse of the steps so far.

    Attributes:
        steps: Numbers of the steps that have a loss.
        step: Number of the last step; None before the first.
        n_steps: How many steps there were.
    """

    def __init__(self) -> None:
        self.loss, self.grad_norm, self.lr, self.steps = (Series() for _ in range(4))
        self.pulse = Pulse()
        self.step: int | None = None
        self.n_steps = 0
        self.has_times = False

    def add(self, step: Step) -> None:
        """Take the next step."""
        self.step = step.step
        self.n_steps += 1
        self.has_times |= step.time is not None
        for series, value in (
            (self.loss, step.loss),
            (self.grad_norm, step.grad_norm),
            (self.lr, step.lr),
            (self.steps, None if step.loss is None else step.step),
        ):
            if value is not None:
                series.add(value)
        self.pulse.step(step.step, step.time)
