"""Says what a watch should have seen and did not: losses, all numbers, or any step at all."""

from collections.abc import Callable

N_STEPS_WITHOUT_LOSS = 20


class Unseen:
    """Tells the user each of three things once.

    Args:
        notice: Says a line to the user.
    """

    __slots__ = ("_n_without_loss", "_notice", "_said_lost", "looks_for_loss")

    def __init__(self, notice: Callable[[str], None]) -> None:
        self._notice = notice
        self._n_without_loss = 0
        self._said_lost = False
        self.looks_for_loss = True

    def step(self, *, has_loss: bool) -> None:
        """Count a step, while ``looks_for_loss``."""
        self._n_without_loss += 1
        self.looks_for_loss = not has_loss and self._n_without_loss < N_STEPS_WITHOUT_LOSS
        if not has_loss and not self.looks_for_loss:
            self._notice(
                f"no loss seen in {N_STEPS_WITHOUT_LOSS} steps: call watch.observe(loss) "
                "between backward() and optimizer.step()"
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
