"""Says what a watch should have seen and did not: losses, gradients, all numbers, any step."""

from collections.abc import Callable

from torch.optim import Optimizer

from lrwatch.loop.backoff.undo import keeps_still
from lrwatch.loop.gradient.groups import lack_gradients

N_STEPS_WITHOUT = 20


class Unseen:
    """Tells the user each of four things once.

    Args:
        notice: Says a line to the user.

    Attributes:
        n_without_loss: Steps in a row that had no loss.
        n_without_gradient: Steps in a row that had a loss, and no gradient.
    """

    __slots__ = (
        "_notice",
        "_said_lost",
        "_said_no_gradient",
        "_said_no_loss",
        "n_without_gradient",
        "n_without_loss",
    )

    def __init__(self, notice: Callable[[str], None]) -> None:
        self._notice = notice
        self.n_without_loss = self.n_without_gradient = 0
        self._said_lost = self._said_no_gradient = self._said_no_loss = False

    def loss(self) -> None:
        """Count a step without a loss; the first that has one sets the count to 0."""
        self.n_without_loss += 1
        if self.n_without_loss == N_STEPS_WITHOUT and not self._said_no_loss:
            self._said_no_loss = True
            self._notice(
                f"no loss seen in {N_STEPS_WITHOUT} steps: call watch.observe(loss) "
                "between backward() and optimizer.step()"
            )

    def gradient(self, optimizer: Optimizer, *, has_norm: bool) -> None:
        """Count a step that had a loss, and perhaps no gradient.

        Only of torch's own optimizers it is known that they can do nothing then.
        """
        if has_norm or self._said_no_gradient:
            self.n_without_gradient = 0
            return
        is_missing = keeps_still(optimizer) and lack_gradients(optimizer)
        self.n_without_gradient = self.n_without_gradient + 1 if is_missing else 0
        if self.n_without_gradient == N_STEPS_WITHOUT:
            self._said_no_gradient = True
            self.n_without_gradient = 0
            self._notice(
                f"no gradient reached this optimizer's parameters in {N_STEPS_WITHOUT} steps: was "
                "the model made again after it, or are gradients zeroed before step()?"
            )

    def lost(self) -> None:
        """Say so where numbers never left their device."""
        if not self._said_lost:
            self._said_lost = True
            self._notice(
                "the device is far behind: of some steps the loss or the gradient norm is not seen"
            )

    def end(self, *, n_steps: int, was_trained: bool) -> bool:
        """Say so where there was no step of an optimizer that should have made some."""
        is_idle = was_trained and not n_steps
        if is_idle:
            self._notice(
                "the optimizer never stepped, so nothing was judged: is it the one that the "
                "training loop calls step() on?"
            )
        return is_idle
