"""The loss that a loop says by hand: taken, or refused with one log line."""

import logging
from typing import Any

from lrwatch.errors import let_pass
from lrwatch.loop.guard import Guard, log
from lrwatch.loop.loss.scalar import detached_scalar
from lrwatch.loop.loss.step_loss import StepLoss


class Observing:
    """Raises nothing into the loop, unless ``LRWATCH_STRICT=1``; never waits for the device."""

    def __init__(self) -> None:
        self._guard = Guard("observe()")
        self._n_refused = 0

    def observe(self, loss: Any, to: StepLoss) -> None:
        """Hand the loss on, if it is one number."""
        try:
            to.observe(detached_scalar(loss))
        except (TypeError, ValueError) as error:
            self._refuse(error)
        except Exception as error:
            self._guard.failed(error)

    def _refuse(self, error: Exception) -> None:
        if self._guard.strict:
            raise error
        let_pass(error)
        self._n_refused += 1
        if self._n_refused == 1:
            log(logging.WARNING, "observe() refused: %s", error)
