"""Goes through a plan of runs step by step, as a training loop that is not ours has to."""

from collections.abc import Callable
from typing import Literal

from lrwatch.range_test.finding import LrFinding
from lrwatch.range_test.search import OutOfStepsError, Plan, Run

Next = Literal["step", "restart", "done"]


class Stepper:
    """Tells the rate of the coming step, and takes the loss before it.

    Args:
        plan: The runs, as :func:`lrwatch.range_test.search.search` asks for them.
        show: Told of the run and of the steps made in it, before every step.

    Attributes:
        run: The run that is under way.
        finding: The answer, once there is one.
        n_steps: Updates that were asked for, over all runs.
        n_observed: Losses that were taken, over all runs.
    """

    def __init__(self, plan: Plan, show: Callable[[Run, int], None] | None = None) -> None:
        self._plan = plan
        self._show = show
        self._losses: list[float] = []
        self.run = next(plan)
        self.finding: LrFinding | None = None
        self.n_steps = 0
        self.n_observed = 0

    @property
    def lr(self) -> float:
        """Rate of the coming step; 0 where the weights are to be left alone."""
        return self.run.lrs[len(self._losses) - 1]

    def observe(self, loss: float) -> Next:
        """Take a loss: make the step at :attr:`lr`, go back to the first weights, or end."""
        self._losses.append(loss)
        self.n_observed += 1
        if self._show is not None:
            self._show(self.run, len(self._losses))
        is_last = len(self._losses) >= len(self.run.lrs)
        if not is_last and not self.run.is_over(self._losses):
            self.n_steps += self.lr > 0
            return "step"
        return self._next_run()

    def end(self) -> LrFinding | None:
        """The answer that there is where no more steps will come; None before the ramp is over."""
        if self.finding is None:
            try:
                self._plan.throw(OutOfStepsError())
            except StopIteration as end:
                self.finding = end.value
            except OutOfStepsError:
                return None
        return self.finding

    def _next_run(self) -> Next:
        losses, self._losses = tuple(self._losses), []
        try:
            self.run = self._plan.send(losses)
        except StopIteration as end:
            self.finding = end.value
            return "done"
        return "restart"
