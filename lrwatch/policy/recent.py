"""The last accepted losses and gradient norms: what the next batch is measured against."""

import math
import statistics

from lrwatch.policy.move import Seen

N_RECENT = 64
N_ARMED = 20
LOSS_REACH = 6.0
NORM_REACH = 10.0
LEAST_RISE = 0.02


class Recent:
    """Judges one batch against up to 64 accepted ones before it.

    A batch stands out where its gradient is more than 10 times the largest, or its loss further
    above their median than 6 times what the highest was. Batches that stand out are never added,
    so that the reference does not learn from what it judges. Silent before 20 batches.
    """

    def __init__(self) -> None:
        self.losses: list[float] = []
        self._norms: list[float] = []

    def clear(self) -> None:
        """Forget all; after a rewind, or when a new level of the loss is accepted."""
        self.losses, self._norms = [], []

    def add(self, seen: Seen) -> None:
        """Accept a batch."""
        _keep(self.losses, seen.loss)
        if seen.grad_norm is not None:
            _keep(self._norms, seen.grad_norm)

    def stands_out(self, seen: Seen, first: float) -> str | None:
        """Why this batch is no batch like the others; None if it is.

        Args:
            seen: A step with a finite loss.
            first: First loss of the run: a rise below a fiftieth of what was gained since then
                never stands out.
        """
        if len(self.losses) < N_ARMED:
            return None
        norm, top_norm = seen.grad_norm, max(self._norms, default=0.0)
        if norm is not None and top_norm > 0 and norm > NORM_REACH * top_norm:
            return f"gradient norm {norm:.3g}, the largest of the last was {top_norm:.3g}"
        top = max(self.losses)
        if seen.loss <= top:
            return None
        middle = statistics.median(self.losses)
        least = LEAST_RISE * abs(first - middle)
        if seen.loss - middle > max(LOSS_REACH * (top - middle), least):
            return f"loss {seen.loss:.4g}, the highest of the last was {top:.4g}"
        return None

    def top(self) -> tuple[float, float] | None:
        """Loss and gradient norm up to which no batch stands out; None while none would."""
        if len(self.losses) < N_ARMED:
            return None
        norm = max(self._norms, default=0.0)
        return max(self.losses), NORM_REACH * norm if norm > 0 else math.inf

    def noise(self) -> float:
        """Typical difference between two batches in a row."""
        pairs = zip(self.losses[1:], self.losses, strict=False)
        changes = [abs(a - b) for a, b in pairs]
        return statistics.median(changes) if changes else 0.0

    def middle(self, n: int) -> float:
        """Median of the last ``n`` losses."""
        return statistics.median(self.losses[-n:])


def _keep(values: list[float], value: float) -> None:
    values.append(value)
    if len(values) > N_RECENT:
        del values[0]
